import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort, spawn, tool, type Running } from './tools.js'
import { until } from './waiting.js'

/** A real redis-server on a free port of 127.0.0.1 and a Unix socket, which writes nothing to disk. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly socket: string
  /** A connection of the test's own, past everything that is done to the store. */
  readonly direct: Redis
  /** Stops the process in its tracks, with its sockets open. */
  freeze(): void
  thaw(): void
  /** Ends it at once. */
  kill(): Promise<void>
  /** Starts it anew, empty, on the same port. */
  start(): Promise<void>
  /** Every command that clients send from now on, and what scripts run themselves. */
  monitor(): Promise<Monitor>
  close(): Promise<void>
}

export interface Monitor { readonly commands: string[][], readonly byScripts: string[][], close(): void }

export interface RedisServerOptions {
  /** More of its command line. */
  readonly args?: readonly string[]
  /** What stands in its config file. */
  readonly config?: string
  /** Of the default user, for the test's own connection. */
  readonly password?: string
}

export const startRedis = async ({ args = [], config, password }: RedisServerOptions = {}): Promise<RedisServer> => {
  const command = tool('redis-server')
  const dir = await mkdtemp(join(tmpdir(), 'redis-'))
  const port = await freePort()
  const socket = join(dir, 'redis.sock')
  let running: Running | undefined
  const auth = password === undefined ? {} : { password }
  const direct = new Redis({ path: socket, ...auth, lazyConnect: true, retryStrategy: () => 20 })
  direct.on('error', () => undefined)
  const start = async (): Promise<void> => {
    // A Sentinel writes into its file.
    const file = join(dir, 'redis.conf')
    if (config !== undefined) await writeFile(file, config)
    running = spawn(command, [
      ...(config === undefined ? [] : [file]),
      '--port', String(port), '--bind', '127.0.0.1', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', dir,
      '--daemonize', 'no', '--loglevel', 'warning', ...(password === undefined ? [] : ['--requirepass', password]), ...args
    ])
    if (direct.status === 'wait') direct.connect().catch(() => undefined)
    await until(async () => { try { return await direct.ping() === 'PONG' } catch { return false } }, () => `redis-server answers: ${running?.stdout() ?? ''}`)
  }
  const kill = async (): Promise<void> => {
    running?.child.kill('SIGKILL')
    await running?.exited
  }
  await start()
  return {
    port, socket, direct, start, kill,
    url: `redis://127.0.0.1:${port}`,
    freeze: () => { running?.child.kill('SIGSTOP') },
    thaw: () => { running?.child.kill('SIGCONT') },
    async monitor() {
      const commands: string[][] = []
      const byScripts: string[][] = []
      const connection = new Redis({ path: socket, ...auth })
      const monitor = await connection.monitor()
      connection.disconnect()
      monitor.on('monitor', (_time: string, words: string[], source: string) => { (source === 'lua' ? byScripts : commands).push(words) })
      return { commands, byScripts, close: () => monitor.disconnect() }
    },
    async close() {
      direct.disconnect()
      await kill()
      await rm(dir, { recursive: true, force: true })
    }
  }
}
