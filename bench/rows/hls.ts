import { withFiles } from '../files.js'
import { each, inTurn } from '../in-turn.js'
import type { Bench, Figure } from '../row.js'
import { withScene } from '../scene.js'
import { spread } from '../spread.js'

const FILES = [
  ['segments of 2 KB', 'small.ts', 0.95], ['segments of 1 MB', 'large.ts', 0.95], ['playlists', 'index.m3u8', 0.8]
] as const

type Side = 'plugin' | 'bare'

export const hls: Bench = {
  name: 'hls',
  about: 'requests per second of a running HLS session, over the static route without the plugin',
  run: ({ rounds, tiny }) => withFiles((staticRoot) => withScene(async ({ load, url, server }) => {
    const connections = tiny ? 2 : 64
    const servers = { plugin: await server({ staticRoot, plugin: { url, maxHeldPerIp: 0 } }), bare: await server({ staticRoot }) }
    const figures: Figure[] = []
    for (const [variant, file, goal] of FILES) {
      const cpu: Record<Side, number[]> = { plugin: [], bare: [] }
      const once = (side: Side) => async (): Promise<number> => {
        const before = await servers[side].call('cpu')
        const { count, ms } = await load.call('requests', { port: servers[side].http, target: `/static/live/s/${file}?token=123`, connections, ms: tiny ? 50 : 250 })
        cpu[side].push((await servers[side].call('cpu') - before) / count * 1000)
        return count / ms * 1000
      }
      // Many short rounds: the disk's threads and the load share the processors with the server, and each run of luck is short.
      const turns = tiny ? 1 : 6 * rounds
      const values = await inTurn(turns, { plugin: once('plugin'), bare: once('bare') })
      const counted = { plugin: cpu.plugin.slice(-turns), bare: cpu.bare.slice(-turns) }
      const options = { connections, hlsIdleMs: 32_000 }
      figures.push({
        bench: 'hls', variant, figure: spread(each(values, ({ plugin, bare }) => plugin / bare)), unit: '×', goal: { atLeast: goal },
        absolute: [{ name: 'plugin', value: spread(values.plugin), unit: '1/s' }, { name: 'without', value: spread(values.bare), unit: '1/s' }],
        options
      }, {
        bench: 'hls', variant: `${variant}, CPU`, figure: spread(each(counted, ({ plugin, bare }) => plugin / bare)), unit: '×',
        absolute: [{ name: 'plugin', value: spread(counted.plugin), unit: 'µs' }, { name: 'without', value: spread(counted.bare), unit: 'µs' }],
        options
      })
    }
    return figures
  }))
}

export const sessions: Bench = {
  name: 'sessions',
  about: 'heap of a live HLS session among many, and the time of one request among them',
  run: ({ rounds, tiny }) => withFiles((staticRoot) => withScene(async ({ load, url, server }) => {
    const [few, many] = tiny ? [20, 60] : [1000, 100_000]
    const options = { maxSessions: 200_000, maxSessionsPerIp: 200_000, maxHeldPerIp: 0, hlsIdleMs: 3_600_000 }
    const servers = { few: await server({ staticRoot, plugin: { url, ...options } }), many: await server({ staticRoot, plugin: { url, ...options } }) }
    for (const { http: port } of [servers.few, servers.many]) await load.call('open', { port, from: 0, to: few })
    const first = await servers.many.call('memory')
    await load.call('open', { port: servers.many.http, from: few, to: many })
    const last = await servers.many.call('memory')
    const once = (port: number, among: number) => () => load.call('oneByOne', { port, sessions: among, count: tiny ? 10 : 1000 })
    const values = await inTurn(tiny ? 1 : 3 * rounds, { few: once(servers.few.http, few), many: once(servers.many.http, many) })
    const per = (of: 'heap' | 'rss'): number => (last[of] - first[of]) / (many - few) / 1024
    return [{
      bench: 'sessions', variant: 'heap', figure: spread([per('heap')]), unit: 'KiB', goal: { atMost: 1 },
      absolute: [{ name: 'RSS', value: spread([per('rss')]), unit: 'KiB' }], options: { sessions: many, ...options }
    }, {
      bench: 'sessions', variant: 'time', figure: spread(each(values, (ms) => ms.many / ms.few)), unit: '×', goal: { atMost: 1.1 },
      absolute: [{ name: `among ${many}`, value: spread(values.many), unit: 'ms' }, { name: `among ${few}`, value: spread(values.few), unit: 'ms' }],
      options: { sessions: many, ...options }
    }]
  }))
}
