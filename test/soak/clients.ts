import type { ControlledBackend } from '../support/backend.js'
import { openClient, SPEECHES, type AnyClient, type Speech } from '../support/clients.js'
import { fileClient, type FileClient } from '../support/file-clients.js'
import { createStream } from '../support/media.js'
import type { Ports } from '../support/server.js'
import { sleep } from '../support/waiting.js'
import { Wire } from '../support/wire.js'

/** What one client came for, and what became of it. */
export type Story = 'watched' | 'published' | 'denied' | 'denied publishing' | 'left while held' | 'silent' | 'HLS' | 'file' | 'met the outage'

export interface Stage {
  readonly ports: Ports
  readonly backend: ControlledBackend
  readonly files: FileClient
}

/** The playlist and the recording that are below the static route. */
export const PLAYLIST = '/media/live/s/index.m3u8'
export const RECORDING = '/media/live/s/recording.mp4'

let clients = 0
const unique = (): string => `n=${++clients}`
const random = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!
const pause = (ms: number): Promise<void> => sleep(Math.random() * ms)

const live = async ({ ports }: Stage, action: 'play' | 'publish', query: string, stay: (client: AnyClient) => Promise<void>, streamPath = '/live/s'): Promise<'yes' | 'no' | 'nothing'> => {
  const speech: Speech = random(SPEECHES)
  const client = await openClient({ ports, speech, action, streamPath, query })
  try {
    // Over HTTP a publisher hears of it only when it ends.
    const told = action === 'publish' && !speech.startsWith('rtmp') && query.startsWith('token=123') ? 'yes' : await client.told
    if (told === 'yes') await stay(client)
    return told
  } finally {
    await client.close()
  }
}

const watch = async (stage: Stage): Promise<Story> => {
  const told = await live(stage, 'play', `token=123&${unique()}`, async (client) => {
    await client.waitForMedia()
    await pause(500)
  })
  return told === 'yes' ? 'watched' : 'met the outage'
}

/** Names that nobody publishes now; node-media-server's own store keeps each that it has heard for good. */
const names = Array.from({ length: 40 }, (_, index) => `own${index}`)

const publish = async (stage: Stage): Promise<Story> => {
  const stream = createStream({ gop: 5 })
  const name = names.shift() ?? 'another'
  const told = await live(stage, 'publish', `token=123&${unique()}`, async (client) => {
    for (const message of stream.opening) client.sendMedia(message)
    for (let index = 0; index < 20; index++) {
      for (const message of stream.frame(index)) client.sendMedia(message)
      await sleep(20)
    }
  }, `/live/${name}`).finally(() => names.push(name))
  return told === 'yes' ? 'published' : 'met the outage'
}

const beDenied = async (stage: Stage): Promise<Story> => {
  await live(stage, 'play', `token=1&${unique()}`, () => Promise.reject(new Error('somebody got in with a wrong token')))
  return 'denied'
}

const beDeniedPublishing = async (stage: Stage): Promise<Story> => {
  await live(stage, 'publish', `token=1&${unique()}`, () => Promise.reject(new Error('somebody published with a wrong token')))
  return 'denied publishing'
}

const leave = async ({ ports }: Stage): Promise<Story> => {
  const client = await openClient({ ports, speech: random(SPEECHES), action: 'play', streamPath: '/live/s', query: `token=123&slow&${unique()}` })
  await pause(200)
  await client.close()
  return 'left while held'
}

const beSilent = async ({ ports }: Stage): Promise<Story> => {
  const wire = await Wire.open({ port: random([ports.rtmp, ports.rtmps]) })
  if (Math.random() < 0.5) wire.write(Buffer.alloc(700, 3))
  if (Math.random() < 0.5) await wire.closed
  else await pause(500)
  await wire.close()
  return 'silent'
}

/** A playlist and its segments, by a viewer of its own. */
const watchHls = async ({ files }: Stage): Promise<Story> => {
  const playlist = await files.get(`${PLAYLIST}?token=123&${unique()}`, { over: random(['HTTP/1', 'HTTPS', 'HTTP/2']) })
  if (playlist.status !== 200) return 'met the outage'
  for (const uri of playlist.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
    await files.get(new URL(uri, `http://x${PLAYLIST}`).href.slice('http://x'.length))
    await pause(50)
  }
  return 'HLS'
}

const fetchFile = async ({ files }: Stage): Promise<Story> => {
  const { status } = await files.get(`${RECORDING}?token=${random(['123', '1'])}&${unique()}`, { headers: { Range: 'bytes=0-999' } })
  return status === 503 ? 'met the outage' : status === 403 ? 'denied' : 'file'
}

/** One client, whichever; half of them are viewers. */
export const anyClient = (stage: Stage): Promise<Story> =>
  random([watch, watch, watch, watch, publish, beDenied, beDenied, beDeniedPublishing, leave, beSilent, watchHls, watchHls, fetchFile])(stage)

export const openStage = (ports: Ports, backend: ControlledBackend): Stage => ({ ports, backend, files: fileClient(ports) })
