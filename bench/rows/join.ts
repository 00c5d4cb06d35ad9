import type { Kind } from '../load/player.js'
import type { Bench, Figure } from '../row.js'
import { withScene } from '../scene.js'
import { spread } from '../spread.js'

export const join: Bench = {
  name: 'join',
  about: 'time to the first frame, over the server without the plugin (Nagle off) plus one bare GET',
  run: ({ rounds, tiny }) => withScene(async ({ backend, backendPort, load, url, server }) => {
    const servers = {
      plugin: await server({ plugin: { url, maxHeldPerIp: 0 } }), bare: await server({ noDelay: true }), plain: await server({})
    }
    for (const { rtmp } of Object.values(servers)) await load.call('publish', { port: rtmp })
    const figures: Figure[] = []
    for (const kind of ['rtmp', 'http-flv', 'ws-flv'] satisfies Kind[]) {
      const ports = Object.fromEntries(Object.entries(servers).map(([name, { rtmp, http }]) => [name, kind === 'rtmp' ? rtmp : http]))
      for (const delayMs of [0, 10, 100]) {
        await backend.call('behave', { delayMs })
        const taken: Record<string, number>[] = []
        // What follows the backend's answer runs on processors that have slept meanwhile; so must what it is measured against.
        const round = (): Promise<Record<string, number>> => load.call('joins', { kind, ports, backend: backendPort, count: tiny ? 1 : delayMs === 100 ? 5 : 25, idleMs: delayMs })
        if (!tiny) await round()
        while (taken.length < rounds) taken.push(await round())
        const limit = ({ bare = NaN, get = NaN }: Record<string, number>): number => bare + get
        const of = (name: string): number[] => taken.map((round) => round[name] ?? NaN)
        figures.push({
          bench: 'join', variant: `${kind}, backend ${delayMs} ms`,
          figure: spread(taken.map((round) => delayMs === 0 ? round['plugin']! - limit(round) : round['plugin']! / limit(round))),
          unit: delayMs === 0 ? 'ms' : '×', goal: { atMost: delayMs === 0 ? 0.7 : 1.05 },
          absolute: [
            { name: 'plugin', value: spread(of('plugin')), unit: 'ms' }, { name: 'without', value: spread(of('bare')), unit: 'ms' },
            { name: 'GET', value: spread(of('get')), unit: 'ms' }, { name: 'plain NMS', value: spread(of('plain')), unit: 'ms' }
          ],
          options: { maxConnections: 256, maxHeld: 4000, maxHeldPerIp: 0 }
        })
      }
    }
    return figures
  })
}
