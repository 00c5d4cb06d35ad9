import { expect } from 'chai'
import { Departure } from '../../../../lib/access/departure.js'
import type { AccessRequest } from '../../../../lib/access/request.js'
import type { Verdict } from '../../../../lib/access/verdict.js'
import { createRegistry } from '../../../../lib/sessions/registry.js'
import { createDoor } from '../../../../lib/gate/door/door.js'

describe('a bug behind the door', () => {
  const request = { sessionId: 'id', action: 'play', streamPath: '/live/s', protocol: 'rtmp' } as AccessRequest
  const bug = new Error('a bug')

  for (const [how, authorize] of [
    ['rejects', () => Promise.reject(bug)],
    ['throws at once', (): Promise<Verdict> => { throw bug }]
  ] as const) {
    it(`denies, and is told, when a step ${how}`, async () => {
      const told: unknown[] = []
      const door = createDoor({ authorize, hold: () => () => undefined, bar: () => undefined, reserve: createRegistry().reserve, report: (_, verdict) => told.push(verdict), onBug: (error) => told.push(error) })
      const decision = await door.admit({ asked: request }, new Departure())
      const verdict = { allowed: false, source: 'overload', reason: 'internal error' }
      expect(decision).to.deep.equal({ refused: verdict })
      expect(told).to.deep.equal([bug, verdict])
    })
  }
})
