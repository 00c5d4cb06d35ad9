import type { Speech } from '../../support/clients.js'
import { openClient } from '../../support/clients.js'
import { RawHttp } from '../../support/flv-clients.js'
import type { Ports } from '../../support/server.js'
import { inTime } from '../../support/waiting.js'
import { fileOf, isFile, type Way } from './attack.js'

/** One way of each kind, for what does not depend on the client. */
export const FOUR_WAYS: readonly Way[] = ['rtmp', 'http-flv', 'ws-flv', 'hls']

export interface Joining {
  /** Default `target`, which somebody publishes; of any other stream no media is expected. */
  readonly name?: string
  readonly query?: string
}

/** Has a viewer who behaves join, and leave again. Whether it got in; with media, if there was some to get. */
export const join = async (ports: Ports, way: Way, { name = 'target', query = '' }: Joining = {}): Promise<'in' | 'out'> =>
  isFile(way) ? joinFile(ports, fileOf(way, 'live', name), query) : joinLive(ports, way, name, query)

/** Longer than any budget of these tests. */
const PATIENCE_MS = 30_000

const joinLive = async (ports: Ports, speech: Speech, name: string, query: string): Promise<'in' | 'out'> => {
  const client = await openClient({ ports, speech, action: 'play', streamPath: `/live/${name}`, query })
  try {
    const told = await inTime(client.told, `${speech} is told`, PATIENCE_MS)
    if (told === 'nothing') throw new Error(`${speech} ${query} was told nothing`)
    if (told === 'yes' && name === 'target') await client.waitForMedia()
    return told === 'yes' ? 'in' : 'out'
  } finally {
    await client.close()
  }
}

const joinFile = async ({ http }: Ports, path: string, query: string): Promise<'in' | 'out'> => {
  const client = await RawHttp.open({ port: http, target: `${path}?${query}` })
  try {
    const status = await inTime(client.status, `${path} is told`, PATIENCE_MS)
    // Who is let in to a file that is not there is told so.
    if (status === 200 || status === 404) return 'in'
    if (status === 403 || status === 503) return 'out'
    throw new Error(`${path}?${query} was told ${status}`)
  } finally {
    await client.close()
  }
}
