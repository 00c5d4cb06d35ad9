import { expect } from 'chai'
import type { Arena } from '../integration/hostile/arena.js'
import type { Asked } from '../support/backend.js'
import type { Decided, TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'
import { Wire } from '../support/wire.js'
import type { Delivery } from './delivery.js'
import { takeNotes, untilDecided, untilRead, type Notes } from './watch.js'

/** One connection that sends an input. */
export interface Caller<T extends Delivery> {
  readonly input: T
  /** Sends in pieces, not as one. */
  readonly cut: boolean
  readonly wire: Wire
  readonly port: number
  readonly pieces: { before: Buffer[], after: Buffer[] }
  sent: number
}

const piecesOf = ({ bytes, cuts, pauseAt }: Delivery, cut: boolean): Caller<Delivery>['pieces'] => {
  if (!cut) return { before: [bytes], after: [] }
  const pause = Math.min(pauseAt, bytes.length)
  const between = (from: number, to: number): Buffer[] => {
    const ends = [...cuts.filter((at) => at > from && at < to), to]
    return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? from, end)).filter(({ length }) => length > 0)
  }
  return { before: between(0, pause), after: between(pause, bytes.length) }
}

const call = async <T extends Delivery>(port: number, input: T, cut: boolean): Promise<Caller<T>> => {
  const wire = await Wire.open({ port })
  return { input, cut, wire, port: wire.socket.localPort ?? 0, pieces: piecesOf(input, cut), sent: 0 }
}

/** Sends one piece of each at a time, and the next when the server has read those. */
const send = async (server: TestServer, callers: readonly Caller<Delivery>[], phase: 'before' | 'after'): Promise<void> => {
  const rounds = Math.max(0, ...callers.map(({ pieces }) => pieces[phase].length))
  for (let round = 0; round < rounds; round++) {
    const sending = callers.filter(({ pieces, wire }) => pieces[phase][round] !== undefined && !wire.isClosed)
    for (const caller of sending) {
      const piece = caller.pieces[phase][round]!
      caller.wire.write(piece)
      caller.sent += piece.length
    }
    await untilRead(server, sending)
  }
}

const converse = async (server: TestServer, callers: readonly Caller<Delivery>[]): Promise<Notes> => {
  await untilRead(server, callers)
  for (const phase of ['before', 'after'] as const) {
    await send(server, callers, phase)
    for (const { input, wire, pieces } of callers) {
      if (input.leavesEarly && (phase === 'after' || pieces.after.length === 0)) wire.reset()
    }
    await untilDecided(server)
  }
  const notes = await takeNotes(server)
  const hasAll = ({ wire, port }: Caller<Delivery>): boolean => wire.isClosed || wire.receivedBytes >= (notes.written.get(port) ?? Infinity)
  await until(() => callers.every(hasAll), 'everybody has what the server has sent', 60_000)
  await Promise.all(callers.map(({ wire }) => wire.close()))
  return notes
}

/** What came of a batch. */
export interface Conversations<T extends Delivery> extends Notes {
  /** For each input two, one behind the other: in one piece, and cut. */
  readonly callers: readonly Caller<T>[]
  readonly verdicts: readonly Decided[]
  readonly asked: readonly Asked[]
}

/** Sends each input twice, all at once; asserts that it harms nobody, and that media came only from those who may publish. */
export const conversations = async <T extends Delivery>(arena: Arena, port: number, inputs: readonly T[]): Promise<Conversations<T>> => {
  arena.backend.requests.length = 0
  const callers: Caller<T>[] = []
  const { result: notes, verdicts, asked } = await arena.unharmed(async () => {
    for (const input of inputs) {
      callers.push(...await Promise.all([call(port, input, false), call(port, input, true)]))
      // More than the kernel keeps for a busy server would not get in for seconds.
      if (callers.length % 50 === 0) await untilRead(arena.server, callers.slice(-50))
    }
    return converse(arena.server, callers)
  })
  const publishers = new Set(verdicts.filter(({ request, verdict }) => verdict.allowed && request.action === 'publish')
    .map(({ request }) => `${request.sessionId} ${request.streamPath}`))
  expect(notes.packets.filter((packet) => !publishers.has(packet)), 'media by somebody who may not publish').to.deep.equal([])
  return { ...notes, callers, verdicts, asked }
}
