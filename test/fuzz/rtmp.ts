import { expect } from 'chai'
import { openArena } from '../integration/hostile/arena.js'
import { byToken, type Asked } from '../support/backend.js'
import { ChunkReader } from '../support/rtmp-chunks.js'
import type { Decided } from '../support/server.js'
import { conversations, type Conversations } from './callers.js'
import type { Delivery } from './delivery.js'
import { Counterexample, inArena, type Subject } from './fuzz.js'
import { HANDSHAKE_BYTES, rtmpInput } from './rtmp-input.js'

/** NMS cuts what it sends into chunks of this size. */
const SERVER_CHUNK_BYTES = 0xffff
const YES = /NetStream\.(?:Play|Publish)\.Start/

/** What a client got: audio and video messages, and whether it was told yes. */
const heard = (received: Buffer): { media: number, yes: boolean } => {
  const result = { media: 0, yes: false }
  new ChunkReader(({ type, payload }) => {
    if (type === 8 || type === 9) result.media += 1
    result.yes ||= YES.test(payload.toString('latin1'))
  }, SERVER_CHUNK_BYTES).push(received.subarray(HANDSHAKE_BYTES))
  return result
}

/** How often a client may have ended its stream, after which it may ask again. */
const endsIn = (bytes: Buffer): number => bytes.toString('latin1').match(/closeStream|deleteStream/g)?.length ?? 0

/** What must be the same however an input was cut. */
const essence = (decided: readonly Decided[], asked: readonly Asked[]): unknown => ({
  verdicts: decided.map(({ request, verdict: { allowed, source } }) => ({ ...request, sessionId: '', allowed, source })),
  asked: asked.map(({ method, url, headers }) => ({ method, url, headers: { ...headers, 'x-session-id': '' } }))
})

const grouped = <T>(things: readonly T[], keyOf: (thing: T) => number | undefined): (key: number) => T[] => {
  const groups = new Map<number | undefined, T[]>()
  for (const thing of things) groups.set(keyOf(thing), [...groups.get(keyOf(thing)) ?? [], thing])
  return (key) => groups.get(key) ?? []
}

/** Nobody got media, or a yes, without an allow; the backend's word is what counted; the cuts changed nothing. */
const check = ({ callers, ports, verdicts, asked }: Conversations<Delivery>): void => {
  // A further command while one is decided or runs is refused for itself.
  const further = /one stream per connection|a stream runs/
  const verdictsOf = grouped(verdicts.filter(({ verdict }) => !further.test(verdict.reason)), ({ request }) => ports.get(request.sessionId))
  const askedOf = grouped(asked, ({ headers }) => ports.get(String(headers['x-session-id'])))
  callers.forEach(({ input, wire, port, cut }, index) => {
    try {
      const decided = verdictsOf(port)
      const questions = askedOf(port)
      const allowed = decided.some(({ verdict }) => verdict.allowed)
      expect(decided.length, 'verdicts').to.be.at.most(1 + endsIn(input.bytes))
      const unmatched = [...questions]
      for (const { verdict: { source, allowed: isAllowed } } of decided) {
        expect(source).to.be.oneOf(['backend', 'malformed'])
        // In their order: while one command is decided, no other is asked for.
        const question = source === 'backend' ? unmatched.shift() : undefined
        expect(isAllowed, 'allowed if and only if the backend said so').to.equal(question !== undefined && byToken(question).status === 200)
      }
      if (!input.leavesEarly) expect(unmatched, 'questions without a verdict').to.deep.equal([])
      if (!allowed) expect(heard(wire.received()), 'without an allow').to.deep.equal({ media: 0, yes: false })
      if (!cut || input.leavesEarly) return
      const whole = callers[index - 1]!.port
      expect(essence(decided, questions), 'what the cuts change').to.deep.equal(essence(verdictsOf(whole), askedOf(whole)))
    } catch (error) {
      throw new Counterexample(index >> 1, error)
    }
  })
}

/** Nothing is remembered, nobody waits for too many, no backend is late. */
const OPTIONS = { defaultAction: 'allow', timeoutMs: 30_000, maxHeld: 0, commandTimeoutMs: 60_000 } as const

export const rtmp = (): Subject<Delivery> => ({
  name: 'rtmp',
  arbitrary: rtmpInput,
  ...inArena(
    () => openArena({ options: OPTIONS }),
    async (arena, inputs: readonly Delivery[]) => check(await conversations(arena, arena.ports.rtmp, inputs)))
})
