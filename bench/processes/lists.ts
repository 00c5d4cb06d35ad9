/** A process with many sessions in the registry, and what the admin server makes of them. */
import type * as ApiModule from '../../lib/admin/api.js'
import type { Behind } from '../../lib/admin/behind.js'
import type * as HubModule from '../../lib/observe/hub.js'
import type * as MetricsModule from '../../lib/observe/metrics.js'
import type * as StatsModule from '../../lib/observe/stats.js'
import type * as RegistryModule from '../../lib/sessions/registry.js'
import { answer } from './answer.js'
import { built } from './built.js'

const { createApi } = await built<typeof ApiModule>('admin/api.js')
const { createHub } = await built<typeof HubModule>('observe/hub.js')
const { createMetrics } = await built<typeof MetricsModule>('observe/metrics.js')
const { createCounters } = await built<typeof StatsModule>('observe/stats.js')
const { createRegistry } = await built<typeof RegistryModule>('sessions/registry.js')

let api: ReturnType<typeof createApi>
let metrics: ReturnType<typeof createMetrics>

const heap = async (): Promise<number> => {
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return process.memoryUsage().heapUsed
}

/** So many HLS sessions, each told of as the plugin tells. @returns what the operator's part of each keeps of the heap, in bytes */
const fill = async ({ count }: { count: number }): Promise<number> => {
  const counters = createCounters()
  const hub = createHub((error) => { throw error })
  const registry = createRegistry()
  const sessions = Array.from({ length: count }, (_, index) => registry.reserve({
    sessionId: `mj2q8r0v${index.toString(36).padStart(24, '0')}`, action: 'play', protocol: 'hls', ip: `203.0.${index >> 8 & 255}.${index & 255}`,
    path: '/static/live/s/index.m3u8', origin: 'http://live.example.com', userAgent: 'VLC', query: `token=${index}`, streamPath: '/live/s'
  }, { allowed: true, source: 'backend', reason: '', userId: `u${index}` }))
  for (const session of sessions) if ('begin' in session) session.begin({ address: '203.0.113.7:1', inBytes: 0, outBytes: 0, quietMs: () => 0, goneAfterMs: () => 30_000, close: () => undefined })
  const before = await heap()
  const stats = (): ReturnType<Behind['stats']> => ({ ...counters.read(), held: 0, viewers: count, backends: [], dropped: {}, dryRun: false })
  api = createApi({
    sessions: registry, inForce: () => ({ version: '', host: '', settings: [], warnings: [] }), stats, outage: () => undefined, ready: () => true,
    end: () => Promise.resolve(0), reload: () => Promise.resolve(), metrics: () => Promise.resolve('')
  })
  metrics = createMetrics(stats)
  for (const sink of [counters, metrics.sink, api]) hub.add(sink)
  for (const session of registry) {
    const record = session.record()
    hub.verdict({ at: Date.now(), request: session.request, verdict: { allowed: true, source: 'backend', reason: '' }, heldMs: 1 })
    hub.start(record)
  }
  return (await heap() - before) / count
}

const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const from = performance.now()
  await run()
  return performance.now() - from
}

const orders = {
  fill,
  /** Milliseconds for one page of the list. */
  list: ({ query }: { query: string }) => timed(async () => {
    const page = await api.answer({ method: 'GET', segments: ['sessions'], params: new URLSearchParams(query) })
    if (page === undefined || !('body' in page)) throw new Error('no list')
    JSON.stringify(page.body)
  }),
  /** Milliseconds for one scrape. */
  scrape: () => timed(() => metrics.registry.metrics())
}

export type ListsOrders = typeof orders
answer(orders)
