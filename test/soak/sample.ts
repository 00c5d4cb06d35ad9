import type fs from 'node:fs'
import { heapOf } from '../support/heap.js'
import type { TestServer } from '../support/server.js'

/** What a server's process holds when nobody is there but those who stay. */
export interface Sample {
  /** Since the start. */
  readonly minute: number
  /** Clients that have come and gone. */
  readonly clients: number
  readonly bytes: number
  readonly rssBytes: number
  /** What Node waits for, by kind, and open descriptors. */
  readonly handles: Readonly<Record<string, number>>
  readonly sessions: number
  readonly broadcasts: number
  readonly held: number
  readonly viewers: number
}

type Inside = Pick<Sample, 'rssBytes' | 'handles' | 'sessions' | 'broadcasts' | 'held' | 'viewers'>

const inside = (server: TestServer, ports: readonly number[]): Promise<Inside> => server.evaluate(({ auth, context, require }, own) => {
  interface Handle { localPort?: number, constructor: { name: string } }
  const handles: Record<string, number> = {}
  const add = (name: string, count = 1): void => { handles[name] = (handles[name] ?? 0) + count }
  for (const handle of (process as unknown as { _getActiveHandles: () => Handle[] })._getActiveHandles()) {
    const { name } = handle.constructor
    add(name !== 'Socket' && name !== 'TLSSocket' ? name : own.includes(handle.localPort ?? 0) ? 'client' : 'other socket')
  }
  for (const name of process.getActiveResourcesInfo()) if (name === 'Timeout' || name === 'Immediate') add(name)
  try {
    add('descriptors', (require('node:fs') as typeof fs).readdirSync('/proc/self/fd').length)
  } catch { /* only Linux tells */ }
  return {
    rssBytes: process.memoryUsage().rss, handles,
    sessions: context.sessions.size, broadcasts: context.broadcasts.size,
    held: auth?.stats().held ?? 0, viewers: auth?.stats().viewers ?? 0
  }
}, [...ports])

/** Takes a sample once what is on its way has come to its end: as `like` was, if there was one. */
export const takeSample = async (server: TestServer, minute: number, clients: number, like?: Sample): Promise<Sample> => {
  const end = Date.now() + 30_000
  for (;;) {
    const bytes = await heapOf(server)
    const now = await inside(server, Object.values(server.ports))
    const rests = like === undefined || leftovers(now, like).length === 0
    if (rests || Date.now() > end) return { minute, clients, bytes, ...now }
  }
}

/** Connections to the backend are kept, up to `maxConnections`; everything else must be as it was. */
export const MAX_CONNECTIONS = 8

/** What there is more of than at another time. */
export const leftovers = (now: Inside, then: Inside): string[] => {
  const kinds = new Set([...Object.keys(now.handles), ...Object.keys(then.handles)])
  const more = (name: string, a: number, b: number): string[] => a > b ? [`${name}: ${a} instead of ${b}`] : []
  return [
    ...[...kinds].flatMap((kind) => more(kind, now.handles[kind] ?? 0, (then.handles[kind] ?? 0) + (kind === 'other socket' || kind === 'descriptors' ? MAX_CONNECTIONS : 0))),
    ...(['sessions', 'broadcasts', 'held', 'viewers'] as const).flatMap((kind) => more(kind, now[kind], then[kind]))
  ]
}
