import { expect } from 'chai'
import { Departure } from '../../../../lib/access/departure.js'
import type { AccessRequest } from '../../../../lib/access/request.js'
import type { Door } from '../../../../lib/gate/door/door.js'
import type { Belonging } from '../../../../lib/gate/files/belonging.js'
import type { Newcomer } from '../../../../lib/gate/files/entrance.js'
import { createViewers } from '../../../../lib/gate/files/viewers.js'
import { viewerQuery } from '../../../../lib/access/hls-query.js'
import type { Host, ViewerOwner, ViewerSession } from '../../../../lib/nms/host.js'

const KB = 1024

describe('what sessions of viewers keep of their clients\' bytes', () => {
  /** Everybody is let in. */
  const open = (maxTextsBytes: number) => {
    const ends: (() => void)[] = []
    const door = {
      admit: ({ asked: request }: { asked: AccessRequest }) => Promise.resolve({ admission: { request, verdict: { allowed: true }, place: {} } }),
      refuse: (_: AccessRequest, verdict: unknown) => verdict
    } as unknown as Door
    const host = {
      openViewer: ({ request }: { request: AccessRequest }, _: string, owner: ViewerOwner) => {
        const nms = { id: request.sessionId, request, ended: false, sent: () => undefined, end: () => undefined } as unknown as ViewerSession
        ends.push(() => owner.closed(nms))
        return nms
      }
    } as unknown as Host
    const viewers = createViewers({
      door, host, maxTextsBytes, remembers: () => false, isBarred: () => false, limits: { hlsIdleMs: 60_000, maxSessions: 10, maxSessionsPerIp: 10, files: { vodIdleMs: 60_000 } }
    })
    const belongingOf = (query: string): Belonging =>
      ({ families: ['hls'], directory: '/static/live/s/', identity: { ip: '192.0.2.1', userAgent: 'UA', query: viewerQuery(query) } })
    const admit = (query: string) => {
      const request: AccessRequest = {
        sessionId: `id${query.length}`, action: 'play', protocol: 'hls', ip: '192.0.2.1', path: '/static/live/s/index.m3u8', origin: 'http://h', userAgent: 'UA', query, streamPath: '/live/s'
      }
      const newcomer: Newcomer = { request, address: '192.0.2.1:1', claim: 'none' }
      return viewers.admit(belongingOf(query), newcomer, new Departure(), () => undefined)
    }
    return { viewers, admit, find: (query: string) => viewers.find(belongingOf(query)), ends }
  }

  it('is its first request until it ends, whatever longer queries it comes by', async () => {
    const { viewers, admit, find, ends } = open(12 * KB)
    expect(await admit(`token=1${'q'.repeat(4000)}`)).to.have.property('session')
    for (let n = 10; n < 26; n += 1) expect(find(`token=1${'q'.repeat(4000)}&${n}=${'q'.repeat(4000)}`), 'still its own').to.not.equal(undefined)
    expect(await admit('token=2')).to.have.property('session')
    expect(await admit(`token=3${'q'.repeat(8000)}`)).to.have.nested.property('refused.reason', 'the URLs and user agents of all viewers take too much memory')
    ends[0]?.()
    expect(await admit(`token=3${'q'.repeat(8000)}`)).to.have.property('session')
    viewers.close()
  })
})
