/** The players, publishers and browsers of the benches. */
import { request as httpRequest } from 'node:http'
import { RawHttp } from '../../test/support/flv-clients.js'
import { RtmpClient } from '../../test/support/rtmp-client.js'
import { Player, type Kind } from '../load/player.js'
import { Publisher } from '../load/publisher.js'
import { Requester } from '../load/requester.js'
import { median } from '../spread.js'
import { answer } from './answer.js'

const publishers = new Map<number, Publisher>()
const gets = new Map<number, Requester>()
const browsers = new Map<number, Requester[]>()
let players: Player[] = []

const publisherAt = (port: number): Publisher => {
  const publisher = publishers.get(port)
  if (publisher === undefined) throw new Error('nobody publishes there')
  return publisher
}

const joinOnce = async (kind: Kind, port: number, idleMs: number): Promise<number> => {
  const player = new Player({ kind, port })
  await player.ready
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  const from = performance.now()
  player.play()
  await player.media
  const ms = performance.now() - from
  player.drop()
  return ms
}
const getOnce = async (port: number): Promise<number> => {
  const requester = gets.get(port) ?? new Requester(port)
  gets.set(port, requester)
  const from = performance.now()
  await requester.get('/?token=123')
  return performance.now() - from
}

/** Opens players, not more than so many at a time that the kernel's queue takes them. */
const crowd = async (kind: Kind, port: number, count: number, one: (player: Player) => Promise<void>): Promise<void> => {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const player = new Player({ kind, port })
      players.push(player)
      await player.ready
      void one(player)
    }
  }
  await Promise.all(Array.from({ length: 100 }, lane))
}

const orders = {
  /** Publishes at a server; with `everyMs` for good, else one group of pictures. */
  publish: async ({ port, everyMs }: { port: number, everyMs?: number }) => {
    const publisher = await Publisher.open(port)
    publishers.set(port, publisher)
    if (everyMs === undefined) publisher.group()
    else publisher.keep(everyMs)
    await publisher.taken()
  },
  /** Medians of so many joins, each after a pause, taken in turn with each other and with bare GETs. In milliseconds. */
  joins: async ({ kind, ports, backend, count, idleMs = 0 }: { kind: Kind, ports: Readonly<Record<string, number>>, backend: number, count: number, idleMs?: number }) => {
    const values: Record<string, number[]> = { get: [] }
    for (let i = -1; i < count; i++) {
      for (const [name, port] of Object.entries(ports)) {
        const ms = await joinOnce(kind, port, idleMs)
        if (i >= 0) (values[name] ??= []).push(ms)
      }
      const ms = await getOnce(backend)
      if (i >= 0) values['get']?.push(ms)
    }
    return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, median(list)]))
  },
  /** All of them at once; until the last has media, in milliseconds. */
  storm: async ({ kind, port, count }: { kind: Kind, port: number, count: number }) => {
    const from = performance.now()
    const waiting: Promise<void>[] = []
    await crowd(kind, port, count, (player) => {
      player.play()
      waiting.push(player.media)
      return Promise.resolve()
    })
    await Promise.all(waiting)
    return performance.now() - from
  },
  /** So many viewers of HTTP-FLV that come, are let in and leave at once: nothing is relayed to them. */
  visits: async ({ port, count }: { port: number, count: number }) => {
    let left = count
    const visit = (): Promise<void> => new Promise((resolve, reject) => {
      const req = httpRequest({ port, host: '127.0.0.1', path: '/live/s.flv?token=123', agent: false }, (res) => {
        if (res.statusCode !== 200) reject(new Error(`a visitor was told ${res.statusCode}`))
        res.on('error', () => undefined).destroy()
      })
      req.on('error', () => undefined).on('close', resolve).end()
    })
    const lane = async (): Promise<void> => { while (left-- > 0) await visit() }
    await Promise.all(Array.from({ length: 8 }, lane))
  },
  /** Players that have asked and are left alone. */
  wait: async ({ port, count }: { port: number, count: number }) => {
    await crowd('rtmp', port, count, (player) => { player.play(); return Promise.resolve() })
  },
  /** Drops every player. */
  drop: () => {
    for (const player of players) player.drop()
    players = []
  },
  /** Sends frames until every player of that server has them all, in milliseconds. */
  relay: async ({ port, frames, bytes }: { port: number, frames: number, bytes: number }) => {
    const audience = players.filter(({ socket }) => socket.remotePort === port)
    // What NMS makes of a frame: 12 bytes of header in front, and one in it for each 65535 that are full.
    const expected = frames * (bytes + 12 + Math.floor((bytes - 1) / 65535))
    const from = performance.now()
    const all = Promise.all(audience.map((player) => new Promise<void>((resolve) => {
      const target = player.bytes + expected
      player.onBytes = () => { if (player.bytes >= target) resolve() }
    })))
    await publisherAt(port).flood(frames, bytes)
    await all
    return performance.now() - from
  },
  /** Sends frames that nobody plays until the server has taken them in, in milliseconds. */
  ingest: async ({ port, frames, bytes }: { port: number, frames: number, bytes: number }) => {
    const from = performance.now()
    await publisherAt(port).flood(frames, bytes)
    await publisherAt(port).taken()
    return performance.now() - from
  },
  /** A player that is to be denied comes again and again; the bytes of audio and video that it gets. */
  denied: async ({ kind, port, times }: { kind: 'rtmp' | 'http-flv', port: number, times: number }) => {
    const until = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    let bytes = 0
    for (let i = 0; i < times; i++) {
      if (kind === 'rtmp') {
        const client = await RtmpClient.connected({ port, app: 'live' })
        client.play('s?token=bad')
        await Promise.race([client.wire.closed, until(300)])
        await client.close()
        bytes += client.media.bytes
      } else {
        const client = await RawHttp.open({ port, target: '/live/s.flv?token=bad' })
        await Promise.race([client.closed, until(300)])
        await client.close()
        bytes += client.flv.bytes
      }
    }
    return bytes
  },
  /** So many connections, kept from one call to the next, ask for one file for a while. @returns how many answers came in how many milliseconds */
  requests: async ({ port, target, connections, ms }: { port: number, target: string, connections: number, ms: number }) => {
    const end = performance.now() + ms
    let count = 0
    const from = performance.now()
    const kept = browsers.get(port) ?? Array.from({ length: connections }, () => new Requester(port))
    browsers.set(port, kept)
    await Promise.all(kept.map(async (requester) => {
      while (performance.now() < end) {
        const status = await requester.get(target)
        if (status !== 200) throw new Error(`${target}: ${status}`)
        count += 1
      }
    }))
    return { count, ms: performance.now() - from }
  },
  /** One request for each of these tokens, each of them a session of its own. */
  open: async ({ port, from, to }: { port: number, from: number, to: number }) => {
    let next = from
    await Promise.all(Array.from({ length: 64 }, async () => {
      const requester = new Requester(port)
      while (next < to) {
        const status = await requester.get(`/static/live/s/small.ts?token=${next++}`)
        if (status !== 200) throw new Error(`status ${status}`)
      }
      requester.close()
    }))
  },
  /** The playlists of two streams for each of these users. @returns joins a second */
  users: async ({ port, from, to }: { port: number, from: number, to: number }) => {
    let next = 2 * from
    const began = performance.now()
    await Promise.all(Array.from({ length: 64 }, async () => {
      const requester = new Requester(port)
      while (next < 2 * to) {
        const join = next++
        const status = await requester.get(`/static/live/${join % 2 === 0 ? 's' : 't'}/index.m3u8?token=${join}&user=${join >> 1}`)
        if (status !== 200) throw new Error(`status ${status}`)
      }
      requester.close()
    }))
    return 2 * (to - from) / (performance.now() - began) * 1000
  },
  /** One newcomer after the other. @returns how long each waited, in milliseconds */
  newcomers: async ({ port, from, count }: { port: number, from: number, count: number }) => {
    const requester = new Requester(port)
    const times: number[] = []
    for (let token = from; token < from + count; token++) {
      const began = performance.now()
      const status = await requester.get(`/static/live/s/small.ts?token=${token}`)
      if (status !== 200) throw new Error(`status ${status}`)
      times.push(performance.now() - began)
    }
    requester.close()
    return times
  },
  /** One request after the other, each of another session. @returns the median in milliseconds */
  oneByOne: async ({ port, sessions, count }: { port: number, sessions: number, count: number }) => {
    const requester = new Requester(port)
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const token = Math.floor(i * 7919 % sessions)
      const from = performance.now()
      await requester.get(`/static/live/s/small.ts?token=${token}`)
      times.push(performance.now() - from)
    }
    requester.close()
    return median(times)
  }
}

export type LoadOrders = typeof orders
answer(orders)
