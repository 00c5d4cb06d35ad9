import { createRequire } from 'node:module'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect } from 'chai'
import type * as ioredis from 'ioredis'
import { guardReplies, type DataHandler } from '../../../lib/store/reply-guard.js'
import { cleanup } from '../../support/cleanup.js'
import { until } from '../../support/waiting.js'

const load = createRequire(import.meta.url)

/** What no Redis says, and a client of Redis stumbles over. */
const FRAMES = {
  5: ['*1\r\n*-1\r\n', '*1\r\n$-1\r\n', '*1\r\n$9\r\nsubscribe\r\n', '*1\r\n$8\r\npmessage\r\n', '*1\r\n$7\r\nmessage\r\n', '*0\r\n', '$-1\r\n$-1\r\n'],
  6: ['>2\r\n_\r\n:1\r\n', '>1\r\n$9\r\nsubscribe\r\n', '>1\r\n$10\r\npsubscribe\r\n', '>1\r\n$8\r\npmessage\r\n', '>1\r\n$7\r\nmessage\r\n', '*1\r\n_\r\n', '_\r\n_\r\n']
} as const

describe('malformed replies of the store', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  /** Answers whatever is said with the frame. */
  const serve = async (frame: string): Promise<{ readonly port: number, connections(): number }> => {
    let connections = 0
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      connections += 1
      sockets.add(socket)
      socket.on('error', () => undefined).on('data', () => socket.write(frame))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    keep({ close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    } })
    return { port: (server.address() as AddressInfo).port, connections: () => connections }
  }

  for (const [major, name] of [[5, 'ioredis-5'], [6, 'ioredis']] as const) {
    const { Redis } = load(name) as typeof ioredis
    const handler = (load(`${name}/built/DataHandler`) as { readonly default: DataHandler }).default
    const watch = guardReplies(handler)

    for (const role of ['commands', 'messages'] as const) {
      for (const frame of FRAMES[major]) {
        it(`${JSON.stringify(frame)} ends no process (ioredis ${major}, the connection of ${role})`, async () => {
          const { port, connections } = await serve(frame)
          const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, enableReadyCheck: false, enableOfflineQueue: false, autoResubscribe: false, maxRetriesPerRequest: 0, retryStrategy: () => 20 })
          keep({ close: () => { client.disconnect() } })
          watch(client)
          client.on('error', () => undefined).on('message', () => undefined).on('pmessage', () => undefined)
          client.on('ready', () => { void (role === 'commands' ? client.get('x') : client.subscribe('x')).catch(() => undefined) })
          client.connect().catch(() => undefined)
          await until(() => connections() > 0, 'it connects')
          // What ioredis throws it throws in a later turn, and mocha takes it for a failure of the test.
          for (let n = 0; n < 5; n++) {
            if (client.status === 'ready') void client.get('y').catch(() => undefined)
            await new Promise((resolve) => { setTimeout(resolve, 10) })
          }
        })
      }
    }

    it(`of other clients in the process are ioredis's own affair (${major})`, () => {
      const redis = { status: 'ready', condition: { subscriber: false }, commandQueue: { shift: () => undefined }, emit: () => undefined }
      expect(() => handler.prototype['returnReply']!.call({ ...handler.prototype, redis, handleMonitorReply: () => { throw new Error('theirs') } } as never, null)).to.throw('theirs')
    })
  }

  it('cannot be guarded against where replies are taken in some other way', () => {
    expect(() => guardReplies({ prototype: {} })).to.throw('in some other way')
  })
})
