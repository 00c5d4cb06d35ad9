import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { each, inTurn } from '../in-turn.js'
import type { Bench, Figure } from '../row.js'
import { withScene } from '../scene.js'
import { spread } from '../spread.js'

/** A static root with one HLS stream, removed afterwards. */
const withFiles = async <T>(use: (root: string) => Promise<T>): Promise<T> => {
  const root = await mkdtemp(join(tmpdir(), 'nms-http-auth-bench-'))
  const stream = join(root, 'live', 's')
  try {
    await mkdir(stream, { recursive: true })
    await writeFile(join(stream, 'small.ts'), Buffer.alloc(2048, 0x47))
    await writeFile(join(stream, 'large.ts'), Buffer.alloc(1 << 20, 0x47))
    const segments = Array.from({ length: 6 }, (_, i) => `#EXTINF:6.000,\nsegment${1000 + i}.ts\n`).join('')
    await writeFile(join(stream, 'index.m3u8'), `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:1000\n${segments}`)
    return await use(root)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

const FILES = [
  ['segments of 2 KB', 'small.ts', 0.95], ['segments of 1 MB', 'large.ts', 0.95], ['playlists', 'index.m3u8', 0.8]
] as const

export const hls: Bench = {
  name: 'hls',
  about: 'requests per second of a running HLS session, over the static route without the plugin',
  run: ({ rounds, tiny }) => withFiles((staticRoot) => withScene(async ({ load, url, server }) => {
    const connections = tiny ? 2 : 64
    const servers = { plugin: await server({ staticRoot, plugin: { url, maxHeldPerIp: 0 } }), bare: await server({ staticRoot }) }
    const figures: Figure[] = []
    for (const [variant, file, goal] of FILES) {
      const once = (port: number) => () => load.call('requests', { port, target: `/static/live/s/${file}?token=123`, connections, ms: tiny ? 50 : 700 })
      const values = await inTurn(rounds, { plugin: once(servers.plugin.http), bare: once(servers.bare.http) })
      figures.push({
        bench: 'hls', variant, figure: spread(each(values, ({ plugin, bare }) => plugin / bare)), unit: '×', goal: { atLeast: goal },
        absolute: [{ name: 'plugin', value: spread(values.plugin), unit: '1/s' }, { name: 'without', value: spread(values.bare), unit: '1/s' }],
        options: { connections, hlsIdleMs: 32_000 }
      })
    }
    return figures
  }))
}

export const sessions: Bench = {
  name: 'sessions',
  about: 'heap of a live HLS session among many, and the time of one request among them',
  run: ({ tiny }) => withFiles((staticRoot) => withScene(async ({ load, url, server }) => {
    const [few, many] = tiny ? [20, 60] : [1000, 100_000]
    const options = { maxSessions: 200_000, maxSessionsPerIp: 200_000, maxHeldPerIp: 0, hlsIdleMs: 3_600_000 }
    const { http: port, call } = await server({ staticRoot, plugin: { url, ...options } })
    const among = async (count: number): Promise<number[]> => {
      const values: number[] = []
      for (let i = 0; i < 5; i++) values.push(await load.call('oneByOne', { port, sessions: count, count: tiny ? 10 : 1000 }))
      return values
    }
    await load.call('open', { port, from: 0, to: few })
    const first = await call('memory')
    const fewMs = await among(few)
    await load.call('open', { port, from: few, to: many })
    const last = await call('memory')
    const manyMs = await among(many)
    const per = (of: 'heap' | 'rss'): number => (last[of] - first[of]) / (many - few) / 1024
    return [{
      bench: 'sessions', variant: 'heap', figure: spread([per('heap')]), unit: 'KiB', goal: { atMost: 1 },
      absolute: [{ name: 'RSS', value: spread([per('rss')]), unit: 'KiB' }], options: { sessions: many, ...options }
    }, {
      bench: 'sessions', variant: 'time', figure: spread(manyMs.map((ms, i) => ms / fewMs[i]!)), unit: '×', goal: { atMost: 1.1 },
      absolute: [{ name: `among ${many}`, value: spread(manyMs), unit: 'ms' }, { name: `among ${few}`, value: spread(fewMs), unit: 'ms' }],
      options: { sessions: many, ...options }
    }]
  }))
}
