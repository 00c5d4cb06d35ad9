import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startBackend, byToken } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { createFaultyProxy, type Fault } from '../support/faulty-proxy.js'
import { keepPublishing } from '../support/media.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { startServer } from '../support/server.js'
import { sleep } from '../support/waiting.js'
import { anyClient, openStage, PLAYLIST, type Story } from './clients.js'
import { MAX_CONNECTIONS, takeSample, type Sample } from './sample.js'

/** How the backend is out, in turn. The first is noticed at once, on kept connections too, so that the shortest run has an outage, too. */
const OUTAGES: readonly Fault[] = [
  { is: 'garbage' }, { is: 'black-hole' }, { is: 'refused' }, { is: 'reset', at: 'request' }, { is: 'endless-headers' },
  { is: 'close', at: 'status' }, { is: 'close-idle' }, { is: 'half-closed' }
]
/** Clients at once. */
const CLIENTS = 60

export interface Soaked {
  readonly samples: readonly Sample[]
  readonly stories: ReadonlyMap<Story, number>
  /** Clients whose story went wrong: there must be none. */
  readonly errors: readonly string[]
  readonly outages: number
}

export interface SoakSettings {
  readonly ms: number
  /** Of load, between two samples; a third of it with the backend out. */
  readonly roundMs: number
  readonly onSample?: (sample: Sample) => void
}

/** Lets clients of every kind come and go at a real server, with outages, and takes samples in between. */
export const soak = async ({ ms, roundMs, onSample = () => undefined }: SoakSettings): Promise<Soaked> => {
  const keep = cleanup()
  try {
    const backend = keep(await startBackend())
    backend.answer((asked) => ({ ...byToken(asked), ...(asked.query.includes('slow') ? { delayMs: 300 } : {}) }))
    const proxy = keep(await createFaultyProxy(backend.port))
    const server = keep(await startServer({
      // node-media-server keeps ten thousand records of who has published, if it is let.
      config: { static: { router: '/media', root: 'media' }, store: { path: 'store', maxHistory: 10 } },
      options: {
        url: proxy.url, maxConnections: MAX_CONNECTIONS, timeoutMs: 1000, breaker: { failures: 5, probeMs: 300 }, rememberMs: 500, lastVerdictMs: 500,
        commandTimeoutMs: 3000, hlsIdleMs: 500, files: { vodIdleMs: 500 }, maxHeldPerIp: 0
      }
    }))
    const { ports } = server
    await mkdir(join(server.dir, 'media/live/s'), { recursive: true })
    await writeFile(join(server.dir, PLAYLIST), ['#EXTM3U', ...[0, 1, 2].map((n) => `#EXTINF:1,\n${n}.ts`), ''].join('\n'))
    for (const name of ['0.ts', '1.ts', '2.ts', 'recording.mp4']) await writeFile(join(server.dir, 'media/live/s', name), Buffer.alloc(2000, 0x47))
    // node-media-server keeps a stream for half a minute after its publisher has left; nobody has that long here.
    await server.evaluate(({ context }) => {
      context.eventEmitter.on('postPublish', ({ broadcast }: { broadcast: { publishGraceMs: number } }) => { broadcast.publishGraceMs = 300 })
    })
    keep(keepPublishing(keep(await RtmpClient.publisher({ port: ports.rtmp }, 's?token=123'))))
    keep(await RtmpClient.player({ port: ports.rtmp }, 's?token=123'))

    const stories = new Map<Story, number>()
    const errors: string[] = []
    let clients = 0
    const round = async (fault: Fault): Promise<void> => {
      const stage = openStage(ports, backend)
      const end = Date.now() + roundMs
      const outage = (async () => {
        await sleep(roundMs / 3)
        await proxy.set(fault)
        await sleep(roundMs / 3)
        await proxy.set({ is: 'pass' })
      })()
      await Promise.all(Array.from({ length: CLIENTS }, async () => {
        while (Date.now() < end) {
          try {
            const story = await anyClient(stage)
            stories.set(story, (stories.get(story) ?? 0) + 1)
          } catch (error) {
            errors.push(String(error))
          }
          clients += 1
        }
      }))
      await outage
      stage.files.close()
    }

    const samples = [await takeSample(server, 0, 0)]
    onSample(samples[0]!)
    const start = Date.now()
    for (let number = 0; Date.now() - start < ms; number++) {
      await round(OUTAGES[number % OUTAGES.length]!)
      const sample = await takeSample(server, (Date.now() - start) / 60_000, clients, samples[0])
      samples.push(sample)
      onSample(sample)
    }
    const outages = (await server.outages()).filter(({ state }) => state === 'begin').length
    return { samples, stories, errors, outages }
  } finally {
    await keep.run()
  }
}
