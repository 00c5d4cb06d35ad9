import type { Bench, Figure } from '../row.js'
import { withScene } from '../scene.js'
import { spread } from '../spread.js'

export const leak: Bench = {
  name: 'leak',
  about: 'bytes of media that a denied viewer gets by coming back, beside a plain listener on prePlay that closes',
  run: ({ rounds, tiny }) => withScene(async ({ backend, load, url, server }) => {
    const times = tiny ? 2 : 50
    const servers = {
      plugin: await server({ plugin: { url, rules: [{ for: 'publish', verdict: 'allow' }], log: 'none' } }), listener: await server({ listener: url, noDelay: true })
    }
    await backend.call('behave', { status: 403, delayMs: 50 })
    for (const { rtmp } of Object.values(servers)) await load.call('publish', { port: rtmp, everyMs: 5 })
    const figures: Figure[] = []
    for (const kind of ['rtmp', 'http-flv'] as const) {
      const bytes: Record<'plugin' | 'listener', number[]> = { plugin: [], listener: [] }
      for (let round = 0; round < Math.min(rounds, 2); round++) {
        for (const name of ['plugin', 'listener'] as const) {
          bytes[name].push(await load.call('denied', { kind, port: kind === 'rtmp' ? servers[name].rtmp : servers[name].http, times }))
        }
      }
      figures.push({
        bench: 'leak', variant: kind, figure: spread(bytes.plugin), unit: 'B', goal: { atMost: 0 },
        absolute: [{ name: 'plugin', value: spread(bytes.plugin), unit: 'B' }, { name: 'listener', value: spread(bytes.listener), unit: 'B' }],
        options: { reconnects: times, 'backend ms': 50, 'stream bytes/s': 200_000 }
      })
    }
    return figures
  })
}
