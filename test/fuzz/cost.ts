import { expect } from 'chai'
import { join } from 'node:path'
import type { Arbitrary } from 'fast-check'
import { startBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, type Speech } from '../support/clients.js'
import { heapOf } from '../support/heap.js'
import { writeFiles } from '../support/hls-files.js'
import { startServer, type Ports, type TestServer } from '../support/server.js'
import { inTime, sleep } from '../support/waiting.js'
import { Wire } from '../support/wire.js'
import { atLength, httpCost, rtmpCost, type CostInput } from './cost-input.js'
import { Counterexample, type Subject } from './fuzz.js'

/** Honest joins that 64 KB may cost. */
const MOST_JOINS = 30
/** What a cost may be more than it should, in joins: noise of so small amounts. */
const FLOOR_JOINS = 5
/** A cost is the least of so many; more are taken where that seems too much, since only a busy machine makes it larger. */
const TIMES = 2
const MORE_TIMES = 6
/** A server that spends less than this between two looks at it, in microseconds, is done. */
const QUIET_US = 1500
const LOOK_MS = 20
/** What a batch may leave in memory: code that was compiled for it, tables that have grown. */
const LEFT_BYTES = 8 * 1024 * 1024

const portOf = ({ rtmp, rtmps, http, https }: Ports, speech: Speech): number =>
  speech === 'rtmp' ? rtmp : speech === 'rtmps' ? rtmps : isSecure(speech) ? https : http
const isSecure = (speech: Speech): boolean => speech === 'rtmps' || speech.startsWith('https') || speech === 'wss-flv'

/** The server's CPU time in microseconds, which no other process makes longer, and how long it has waited for events, in milliseconds. */
const spent = (server: TestServer): Promise<{ readonly cpuUs: number, readonly idleMs: number }> => server.evaluate(() => {
  const { user, system } = process.cpuUsage()
  return { cpuUs: user + system, idleMs: performance.eventLoopUtilization().idle }
})

/**
 * Waits until the server is done with what it has got. Some of it waits for its turn, and would be dropped if its client
 * left. On a busy machine a server that is not done may get little CPU time between two looks, but it waits for nothing.
 */
const done = async (server: TestServer): Promise<number> => {
  for (let last = await spent(server), round = 0; ; round++) {
    await sleep(LOOK_MS)
    const now = await spent(server)
    if ((now.cpuUs - last.cpuUs < QUIET_US && now.idleMs - last.idleMs > LOOK_MS / 2) || round > 200) return now.cpuUs
    last = now
  }
}

/** What something costs, until the server is done with it. */
const costOf = async (server: TestServer, act: () => Promise<void>): Promise<number> => {
  const before = (await spent(server)).cpuUs
  await act()
  return await done(server) - before
}

const leastOf = async (times: number, measure: () => Promise<number>): Promise<number> => {
  let least = Infinity
  for (let time = 0; time < times; time++) least = Math.min(least, await measure())
  return least
}

const send = async (server: TestServer, { speech }: CostInput, bytes: Buffer): Promise<void> => {
  const wire = await Wire.open({ port: portOf(server.ports, speech), tls: isSecure(speech), ...(speech === 'https-flv over HTTP/2' && { alpn: ['h2'] }) })
  wire.write(bytes)
  // Some are held until they are gone.
  const end = Date.now() + 500
  while (!wire.isClosed && wire.socket.writableLength > 0 && Date.now() < end) await sleep(5)
  await done(server)
  await wire.close()
}

/** Has honest viewers join and leave, one after the other. */
const joins = async ({ ports }: TestServer, speech: Speech): Promise<void> => {
  for (let index = 0; index < MOST_JOINS; index++) {
    const client = await openClient({ ports, speech, action: 'play', streamPath: '/live/honest', query: 'token=123' })
    expect(await inTime(client.told, `${speech} is told`)).to.equal('yes')
    await client.close()
  }
}

interface Place { readonly server: TestServer, readonly honest: (speech: Speech) => Promise<number>, close(): Promise<void> }

const open = async (): Promise<Place> => {
  const keep = cleanup()
  try {
    const backend = keep(await startBackend())
    const server = keep(await startServer({
      config: { static: { router: '/static', root: 'static' } }, options: { url: backend.url, log: 'none', hlsIdleMs: 300, commandTimeoutMs: 60_000 }
    }))
    await writeFiles(join(server.dir, 'static'), { 'live/s/index.m3u8': '#EXTM3U\n#EXTINF:8,\n1.ts\n' })
    const known = new Map<Speech, Promise<number>>()
    const measured = async (speech: Speech): Promise<number> => {
      await joins(server, speech)
      return await leastOf(3, () => costOf(server, () => joins(server, speech))) / MOST_JOINS
    }
    return {
      server, close: () => keep.run(),
      honest(speech) {
        const cost = known.get(speech) ?? measured(speech)
        known.set(speech, cost)
        return cost
      }
    }
  } catch (error) {
    await keep.run()
    throw error
  }
}

/** @throws if an input costs more than it is worth, or more than in proportion to its length */
const check = async ({ server, honest }: Place, input: CostInput): Promise<void> => {
  const join = await honest(input.speech)
  const [half, whole] = [input.bytes / 2, input.bytes].map((bytes) => atLength(input, bytes)) as [Buffer, Buffer]
  const cost = (bytes: Buffer): Promise<number> => costOf(server, () => send(server, input, bytes))
  let [one, two] = [Infinity, Infinity]
  const isFine = (): boolean => two <= MOST_JOINS * join && two < 3 * one + FLOOR_JOINS * join
  for (let time = 0; time < TIMES || (!isFine() && time < MORE_TIMES); time++) [one, two] = [Math.min(one, await cost(half)), Math.min(two, await cost(whole))]
  const joined = (us: number): string => (us / join).toFixed(1)
  expect(isFine(), `${half.length} and ${whole.length} bytes over ${input.speech} cost ${joined(one)} and ${joined(two)} joins of ${Math.round(join)} us`).to.equal(true)
}

const cost = (name: string, arbitrary: Arbitrary<CostInput>): Subject<CostInput> => {
  let place: Place | undefined
  const close = async (): Promise<void> => {
    const closing = place
    place = undefined
    await closing?.close()
  }
  return {
    name, arbitrary, close,
    async run(inputs) {
      if (place?.server.running === false) await close().catch(() => undefined)
      place ??= await open()
      const own = place
      const { server, honest } = own
      for (const speech of new Set(inputs.map(({ speech }) => speech))) await honest(speech)
      const before = await heapOf(server)
      for (const [index, input] of inputs.entries()) {
        await check(own, input).catch((error: unknown) => { throw new Counterexample(index, error) })
      }
      await server.waitFor(({ auth }) => auth?.stats().held === 0 && auth.stats().viewers === 0)
      expect((await heapOf(server) - before) / 1024 / 1024, 'MiB left behind').to.be.below(LEFT_BYTES / 1024 / 1024)
    }
  }
}

/** What RTMP and RTMPS cost. */
export const costOfRtmp = (): Subject<CostInput> => cost('cost-rtmp', rtmpCost)
/** What HTTP/1, WebSocket (each also over TLS) and HTTP/2 cost. */
export const costOfHttp = (): Subject<CostInput> => cost('cost-http', httpCost)
