import { each, inTurn } from '../in-turn.js'
import type { Kind } from '../load/player.js'
import type { Bench, Figure } from '../row.js'
import { rest, withScene } from '../scene.js'
import { spread } from '../spread.js'

const DELAY_MS = 100

export const storm: Bench = {
  name: 'storm',
  about: 'viewers of one stream at once: time until the last has media, and CPU time of the server',
  run: ({ rounds, tiny }) => withScene(async ({ backend, load, url, server }) => {
    const count = tiny ? 20 : 2000
    const connections = count
    const servers = { plugin: await server({ plugin: { url, maxHeldPerIp: 0, maxConnections: connections } }), bare: await server({ noDelay: true }) }
    for (const { rtmp } of Object.values(servers)) await load.call('publish', { port: rtmp })
    await backend.call('behave', { delayMs: DELAY_MS })
    const figures: Figure[] = []
    for (const kind of ['rtmp', 'http-flv'] satisfies Kind[]) {
      const cpu: Record<'plugin' | 'bare', number[]> = { plugin: [], bare: [] }
      const once = (name: 'plugin' | 'bare') => async (): Promise<number> => {
        const chosen = servers[name]
        const before = await chosen.call('cpu')
        const ms = await load.call('storm', { kind, port: kind === 'rtmp' ? chosen.rtmp : chosen.http, count })
        cpu[name].push(await chosen.call('cpu') - before)
        await load.call('drop')
        await rest(tiny ? 50 : 700)
        return ms
      }
      const values = await inTurn(rounds, {
        plugin: once('plugin'), bare: once('bare'), ask: () => servers.bare.call('ask', { url, count, connections })
      })
      const counted = { plugin: cpu.plugin.slice(-rounds), bare: cpu.bare.slice(-rounds), ask: values.ask }
      const common = { bench: 'storm', options: { viewers: count, maxConnections: connections, maxHeld: 4000, maxHeldPerIp: 0, 'backend ms': DELAY_MS } }
      figures.push({
        ...common, variant: `${kind}, time`, figure: spread(each(values, ({ plugin, bare }) => plugin / (bare + DELAY_MS))), unit: '×', goal: { atMost: 1.1 },
        absolute: [{ name: 'plugin', value: spread(values.plugin), unit: 'ms' }, { name: 'without', value: spread(values.bare), unit: 'ms' }]
      }, {
        ...common, variant: `${kind}, CPU`, figure: spread(each(counted, ({ plugin, bare, ask }) => plugin / (bare + ask))), unit: '×', goal: { atMost: 1.15 },
        absolute: [
          { name: 'plugin', value: spread(counted.plugin), unit: 'ms' }, { name: 'without', value: spread(counted.bare), unit: 'ms' },
          { name: 'bare requests', value: spread(counted.ask), unit: 'ms' }
        ]
      })
    }
    return figures
  })
}
