import { expect } from 'chai'
import { dirname } from 'node:path'
import { openArena, type Arena } from '../integration/hostile/arena.js'
import { PROTECTED } from '../integration/hostile/attack.js'
import type { Asked, BackendAnswer } from '../support/backend.js'
import { FLV_HEADER } from '../support/flv.js'
import { writeFiles } from '../support/hls-files.js'
import type { Decided, NmsEvent } from '../support/server.js'
import { conversations, type Conversations } from './callers.js'
import { Counterexample, inArena, type Subject } from './fuzz.js'
import { httpInput, type HttpInput } from './http-input.js'

/** Everybody may have anything but the target, so to be asked about it by another name is to get in. */
const allButTarget = ({ headers }: Asked): BackendAnswer =>
  ({ status: /^\/live\/target(?:\.flv)?$|^\/media\/live\/target\//.test(String(headers['x-real-path'])) ? 403 : 200 })

/** Stands in each closed file of another stream, with its path. */
const CLOSED = /closed:(\S+)/g
/** By its brightness a stream can be known; see the arena's channels. */
const TARGET_FRAME = Buffer.alloc(200, 80)
const CALM_FRAME = Buffer.alloc(200, 120)

const openHttpArena = async (): Promise<Arena> => {
  const arena = await openArena({ options: { defaultAction: 'allow', timeoutMs: 30_000, maxHeld: 0, hlsIdleMs: 300, files: { vodIdleMs: 300 }, maxSessionsPerIp: 100_000 } })
  const closed = (path: string): [string, string] => [path.slice(1), `#EXTM3U\n# closed:${path}\n`]
  await writeFiles(arena.server.dir, Object.fromEntries([
    closed('/media/live/other/index.m3u8'), closed('/media/live/other/recording.mp4'), ['media/live/other/page.html', 'open']
  ]))
  arena.backend.answer(allButTarget)
  return arena
}

/** Whatever NMS begins was allowed by the backend under the same name. */
const checkEvents = (events: readonly NmsEvent[], verdicts: readonly Decided[], asked: readonly Asked[]): void => {
  const answers = new Map(asked.map((each) => [String(each.headers['x-session-id']), allButTarget(each).status]))
  for (const { request, verdict } of verdicts) {
    expect(verdict.source, JSON.stringify(request)).to.be.oneOf(['backend', 'malformed'])
    expect(verdict.allowed, JSON.stringify(request)).to.equal(answers.get(request.sessionId) === 200)
  }
  const allowed = verdicts.filter(({ verdict }) => verdict.allowed)
    .map(({ request: { sessionId, action, streamPath } }) => `${sessionId} ${action} ${streamPath}`)
  for (const { event, id, streamPath } of events) {
    const action = /^p\w+(Play|Publish)$/.exec(event)?.[1]?.toLowerCase()
    if (action !== undefined) expect(allowed, event).to.include(`${id} ${action} ${streamPath}`)
  }
}

/** Nobody got a byte of what is closed unless it was allowed by the one name, and the cuts changed no answer. */
const check = ({ callers, ports, verdicts }: Conversations<HttpInput>): void => {
  const allowed = verdicts.filter(({ verdict }) => verdict.allowed).map(({ request }) => request)
  const directories = new Set(allowed.map(({ path }) => dirname(path)))
  const live = (port: number): string[] => allowed
    .filter(({ sessionId, protocol }) => protocol.endsWith('-flv') && ports.get(sessionId) === port)
    .map(({ action, streamPath }) => `${action} ${streamPath}`)
  const fate = (received: Buffer, port: number): string =>
    live(port).length > 0 ? 'in' : /^HTTP\/1\.1 (\d+)/.exec(received.toString('latin1', 0, 20))?.[1] ?? 'none'
  callers.forEach(({ input, wire, port, cut }, index) => {
    try {
      const received = wire.received()
      const text = received.toString('latin1')
      expect(received.includes(TARGET_FRAME) || text.includes(PROTECTED), 'something of what nobody may have').to.equal(false)
      if (received.includes(FLV_HEADER.subarray(0, 5))) expect(live(port).join(), 'a stream').to.include('play ')
      if (received.includes(CALM_FRAME)) expect(live(port)).to.include('play /live/calm')
      for (const [, path = ''] of text.matchAll(CLOSED)) expect([...directories]).to.include(dirname(path))
      if (!cut || !input.single || input.leavesEarly) return
      const whole = callers[index - 1]!
      expect(fate(received, port), 'what the cuts change').to.equal(fate(whole.wire.received(), whole.port))
    } catch (error) {
      throw new Counterexample(index >> 1, error)
    }
  })
}

/** HTTP/1 and WebSocket upgrades. */
export const http = (): Subject<HttpInput> => ({
  name: 'http',
  arbitrary: httpInput,
  ...inArena(openHttpArena, async (arena, inputs: readonly HttpInput[]) => {
    const before = (await arena.server.events()).length
    const all = await conversations(arena, arena.ports.http, inputs)
    check(all)
    checkEvents((await arena.server.events()).slice(before), all.verdicts, all.asked)
  })
})
