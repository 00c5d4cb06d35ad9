import { each, inTurn } from '../in-turn.js'
import type { Bench, Figure } from '../row.js'
import { rest, withScene, type Scene, type Server } from '../scene.js'
import { spread } from '../spread.js'

/** Both servers in turn, each with a publisher and so many viewers: how long and how much CPU a number of frames takes. */
const compare = async (bench: string, rounds: number, { server, url, load }: Scene, viewers: number, frames: number, bytes: number, goal: number): Promise<Figure[]> => {
  const servers = { plugin: await server({ plugin: { url, maxHeldPerIp: 0 } }), bare: await server({}) }
  for (const { rtmp } of Object.values(servers)) {
    await load.call('publish', { port: rtmp })
    if (viewers > 0) await load.call('storm', { kind: 'rtmp', port: rtmp, count: viewers })
  }
  await rest(300)
  const cpu: Record<'plugin' | 'bare', number[]> = { plugin: [], bare: [] }
  const once = (name: 'plugin' | 'bare', chosen: Server) => async (): Promise<number> => {
    const before = await chosen.call('cpu')
    const ms = await load.call(viewers > 0 ? 'relay' : 'ingest', { port: chosen.rtmp, frames, bytes })
    cpu[name].push(await chosen.call('cpu') - before)
    return ms
  }
  const values = await inTurn(rounds, { plugin: once('plugin', servers.plugin), bare: once('bare', servers.bare) })
  const counted = { plugin: cpu.plugin.slice(-rounds), bare: cpu.bare.slice(-rounds) }
  const megabytes = frames * bytes * Math.max(1, viewers) / 1e6
  const common = { bench, unit: '×' as const, goal: { atMost: goal }, options: { ...(viewers > 0 && { viewers }), 'frame bytes': bytes, 'MB a round': Math.round(megabytes) } }
  return [{
    ...common, variant: 'time', figure: spread(each(values, ({ plugin, bare }) => plugin / bare)),
    absolute: [
      { name: 'plugin', value: spread(values.plugin.map((ms) => megabytes / ms * 1000)), unit: 'MB/s' },
      { name: 'without', value: spread(values.bare.map((ms) => megabytes / ms * 1000)), unit: 'MB/s' }
    ]
  }, {
    ...common, variant: 'CPU', figure: spread(each(counted, ({ plugin, bare }) => plugin / bare)),
    absolute: [
      { name: 'plugin', value: spread(counted.plugin.map((ms) => ms / megabytes)), unit: 'ms/MB' },
      { name: 'without', value: spread(counted.bare.map((ms) => ms / megabytes)), unit: 'ms/MB' }
    ]
  }]
}

export const relay: Bench = {
  name: 'relay',
  about: 'one stream to many admitted viewers, over the same without the plugin',
  run: ({ rounds, tiny }) => withScene((scene) => compare('relay', tiny ? 1 : 3 * rounds, scene, tiny ? 3 : 200, tiny ? 10 : 300, 8000, 1.01))
}

export const publish: Bench = {
  name: 'publish',
  about: 'an admitted RTMP publisher at full speed, over the same without the plugin',
  run: ({ rounds, tiny }) => withScene((scene) => compare('publish', tiny ? 1 : 3 * rounds, scene, 0, tiny ? 10 : 20_000, 8000, 1.02))
}
