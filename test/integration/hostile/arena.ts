import { expect } from 'chai'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Options } from '../../../lib/options/options.js'
import { startBackend, type Asked, type ControlledBackend } from '../../support/backend.js'
import { cleanup } from '../../support/cleanup.js'
import { RawHttp } from '../../support/flv-clients.js'
import { keepPublishing, type MediaMessage } from '../../support/media.js'
import { RtmpClient } from '../../support/rtmp-client.js'
import { startServer, type Decided, type Ports, type ServerSettings, type TestServer } from '../../support/server.js'
import { until } from '../../support/waiting.js'
import { contentOf, FILE_WAYS, fileOf, MEDIA } from './attack.js'

/** A stream that behaves: somebody publishes it, and two watch every frame. */
export interface Channel {
  /** Waits until each viewer has what was sent until now. Fails if a frame is missing, altered or alien. */
  check(): Promise<void>
  close(): Promise<void>
}

const FRAME_MS = 40

/** Checks one viewer's messages as they come, so that none is kept. */
const createWitness = (frame: (index: number) => MediaMessage[]): { take: (messages: MediaMessage[]) => void, next: () => number } => {
  let next = -1
  let rest: MediaMessage[] = []
  return {
    next: () => next,
    take(messages) {
      for (const message of messages) {
        if (message.type !== 8 && message.type !== 9) continue
        // Codec headers come before the frames, and only then.
        if (next < 0 && message.payload[1] === 0) continue
        if (rest.length === 0) {
          next = next < 0 ? message.timestamp / FRAME_MS : next
          rest = frame(next)
        }
        const expected = rest.shift()
        if (expected === undefined || expected.timestamp !== message.timestamp || !expected.payload.equals(message.payload)) {
          throw new Error(`a viewer got a message of type ${message.type} at ${message.timestamp} ms that was not frame ${next}`)
        }
        if (rest.length === 0) next += 1
      }
    }
  }
}

/** Publishes `/live/NAME` over RTMP, by a device that no attacker looks like (the same one might take over), and watches it over RTMP and HTTP-FLV. */
export const openChannel = async (ports: Ports, name: string, luma: number): Promise<Channel> => {
  const keep = cleanup()
  try {
    const publisher = keep(await RtmpClient.publisher({ port: ports.rtmp, flashVer: 'an encoder of its own' }, `${name}?token=123`))
    const publishing = keep(keepPublishing(publisher, { everyMs: FRAME_MS, luma, audio: false }))
    const { stream } = publishing
    const rtmp = keep(await RtmpClient.player({ port: ports.rtmp }, `${name}?token=123`))
    const flv = keep(await RawHttp.open({ port: ports.http, target: `/live/${name}.flv?token=123` }))
    const witnesses = [
      { ...createWitness((index) => stream.frame(index)), read: () => rtmp.messages.splice(0) },
      { ...createWitness((index) => stream.frame(index)), read: () => flv.flv.tags.splice(0) }
    ]
    return {
      async check() {
        const sent = publishing.frames()
        await until(() => {
          expect(publisher.wire.isClosed, 'the publisher is cut').to.equal(false)
          for (const { take, read } of witnesses) take(read())
          return witnesses.every(({ next }) => next() >= sent)
        }, () => `${name}: viewers have the frames before ${sent}; they have ${witnesses.map(({ next }) => next()).join(' and ')}`)
      },
      close: () => keep.run()
    }
  } catch (error) {
    await keep.run()
    throw error
  }
}

/** What must be as before when a case is over. */
interface Footprint {
  readonly held: number
  readonly viewers: number
  readonly sessions: string[]
  readonly broadcasts: string[]
  readonly sockets: number
  /** The places that started those that run. */
  readonly timers: string[]
}

/** Counts the timers that the plugin and NMS start from now on, in the server's process. */
const countTimers = (server: TestServer): Promise<void> => server.evaluate(({ state }) => {
  const running = new Map<unknown, string>()
  const { setTimeout: start, clearTimeout: stop } = globalThis
  const counted = (run: (...args: unknown[]) => void, ms: number, ...args: unknown[]): NodeJS.Timeout => {
    const caller = new Error().stack?.split('\n')[2] ?? ''
    const timer = start(() => {
      running.delete(timer)
      run(...args)
    }, ms)
    // What sums up a flood of log lines is one timer for the whole plugin, and so are the probe's; undici has one for each kept connection.
    if (!/node_modules\/(?!node-media-server)|flood|backend\/(?:turns|evidence)/.test(caller)) running.set(timer, caller.trim())
    return timer
  }
  globalThis.setTimeout = Object.assign(counted, { __promisify__: start.__promisify__ }) as typeof setTimeout
  globalThis.clearTimeout = (timer) => {
    running.delete(timer)
    stop(timer)
  }
  state['timers'] = running
})

const footprint = (server: TestServer): Promise<Footprint> => server.evaluate(({ auth, context, look, state }, ports) => {
  interface Handle { localPort?: number }
  const handles = (process as unknown as { _getActiveHandles: () => Handle[] })._getActiveHandles()
  return {
    held: auth?.stats().held ?? -1,
    viewers: auth?.stats().viewers ?? -1,
    sessions: [...context.sessions.keys()].sort(),
    broadcasts: look.streams().sort(),
    sockets: handles.filter(({ localPort }) => localPort !== undefined && ports.includes(localPort)).length,
    timers: [...(state['timers'] as Map<unknown, string>).values()].sort()
  }
}, Object.values(server.ports))

/** A server at work: two streams that behave, and a backend. */
export interface Arena {
  readonly server: TestServer
  readonly backend: ControlledBackend
  readonly ports: Ports
  /**
   * Runs one case and asserts what must hold after every case: those who behave have noticed
   * nothing, and everything that was held is free again. Resolves with what was decided and asked.
   */
  unharmed<T>(attack: () => Promise<T>): Promise<{ result: T, verdicts: Decided[], asked: Asked[] }>
  /** Attaches the plugin anew, with these options over the arena's. */
  attach(change: Partial<Options>): Promise<void>
  close(): Promise<void>
}

export interface ArenaSettings extends Pick<ServerSettings, 'config' | 'env'> {
  readonly options?: Partial<Options>
  /** The URL that is asked; default the arena's own backend. */
  readonly url?: (backend: ControlledBackend) => string | Promise<string>
}

export const openArena = async ({ config = {}, options = {}, env = {}, url = ({ url: own }) => own }: ArenaSettings = {}): Promise<Arena> => {
  const keep = cleanup()
  try {
    const backend = keep(await startBackend())
    const own: Options = { url: await url(backend), log: 'none', maxHeldPerIp: 0, ...options }
    const server = keep(await startServer({ config: { static: { router: '/media', root: 'media' }, ...config }, env, options: own }))
    await mkdir(join(server.dir, 'media/live/target'), { recursive: true })
    for (const way of FILE_WAYS) await writeFile(join(server.dir, 'media', fileOf(way).slice(MEDIA.length)), contentOf(way))
    const channels = [
      keep(await openChannel(server.ports, 'target', 80)),
      keep(await openChannel(server.ports, 'calm', 120))
    ]
    for (const channel of channels) await channel.check()
    await countTimers(server)
    return {
      server, backend, ports: server.ports,
      attach: (change) => server.evaluate(async ({ auth, attach }, changed) => {
        await auth?.close()
        attach(changed)
      }, { ...own, ...change }),
      async unharmed(attack) {
        const before = await footprint(server)
        const verdicts = (await server.verdicts()).length
        const asked = backend.requests.length
        const result = await attack().catch((error: unknown) => {
          throw server.running ? error : new Error(`the server has ended: ${server.log().slice(-3000)}`, { cause: error })
        })
        for (const channel of channels) await channel.check()
        let after = await footprint(server)
        await until(async () => {
          after = await footprint(server)
          return JSON.stringify(after) === JSON.stringify(before)
        }, () => `everything is as before, ${JSON.stringify(before)}; it is ${JSON.stringify(after)}`)
        return { result, verdicts: (await server.verdicts()).slice(verdicts), asked: backend.requests.slice(asked) }
      },
      close: () => keep.run()
    }
  } catch (error) {
    await keep.run()
    throw error
  }
}
