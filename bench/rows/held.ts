import { until } from '../../test/support/waiting.js'
import { each } from '../in-turn.js'
import type { Bench } from '../row.js'
import { rest, withScene, type Server } from '../scene.js'
import { spread } from '../spread.js'

export const held: Bench = {
  name: 'held',
  about: 'memory of a client that is held at the door, over an idle session without the plugin',
  run: ({ rounds, tiny }) => withScene(async ({ backend, load, url, server }) => {
    const count = tiny ? 20 : 5000
    const pause = tiny ? 100 : 1000
    const servers = { plugin: await server({ plugin: { url, maxHeld: 6000, maxHeldPerIp: 0, timeoutMs: 120_000, commandTimeoutMs: 600_000, breaker: false } }), bare: await server({}) }
    await backend.call('behave', { silent: true })
    const heap: Record<'plugin' | 'bare', number[]> = { plugin: [], bare: [] }
    const rss: Record<'plugin' | 'bare', number[]> = { plugin: [], bare: [] }
    const once = async (name: 'plugin' | 'bare', chosen: Server, counts: boolean): Promise<void> => {
      const before = await chosen.call('memory')
      await load.call('wait', { port: chosen.rtmp, count })
      if (name === 'plugin') await until(async () => await chosen.call('held') === count, () => `${count} are held`, 60_000)
      await rest(pause)
      const after = await chosen.call('memory')
      if (counts) {
        heap[name].push((after.heap - before.heap) / count / 1024)
        rss[name].push((after.rss - before.rss) / count / 1024)
      }
      await load.call('drop')
      await rest(pause)
      await backend.call('drop')
      await rest(pause)
    }
    // The first round is not counted: memory that is in use for good comes with it.
    for (let round = tiny ? 0 : -1; round < Math.min(rounds, 2); round++) {
      await once('plugin', servers.plugin, round >= 0)
      await once('bare', servers.bare, round >= 0)
    }
    const options = { clients: count, maxConnections: 256, maxHeld: 6000, maxHeldPerIp: 0, timeoutMs: 120_000, commandTimeoutMs: 600_000 }
    return ([['heap', heap], ['RSS', rss]] as const).map(([variant, of]) => ({
      bench: 'held', variant, figure: spread(each(of, ({ plugin, bare }) => plugin - bare)), unit: 'KiB' as const,
      ...(variant === 'heap' && { goal: { atMost: 4 } }),
      absolute: [{ name: 'held', value: spread(of.plugin), unit: 'KiB' as const }, { name: 'idle without', value: spread(of.bare), unit: 'KiB' as const }],
      options
    }))
  })
}
