import { Redis } from 'ioredis'
import type { RedisServer } from './redis.js'
import type { TcpProxy } from './tcp-proxy.js'

/** A store, and the lines by which servers reach it. */
export interface StoreScene {
  readonly redis: RedisServer
  readonly proxies: readonly TcpProxy[]
  readonly heartbeatMs: number
  readonly timeoutMs: number
}

/** A way in which the store fails for all servers, and goes on failing until it is told to end. */
export interface StoreFault {
  /** Behind "because it is". */
  readonly title: string
  /** What it returns need not settle before the fault ends. */
  begin(scene: StoreScene): unknown
  end(scene: StoreScene): unknown
}

const mend = ({ proxies }: StoreScene): void => { for (const proxy of proxies) proxy.mend() }

/** Another client's script, which never ends. */
const occupy = async ({ redis }: StoreScene): Promise<void> => {
  await redis.direct.config('SET', 'busy-reply-threshold', '20')
  const other = new Redis({ path: redis.socket })
  other.on('error', () => undefined)
  await other.eval('while true do end', 0).catch(() => undefined)
  other.disconnect()
  await redis.direct.config('SET', 'busy-reply-threshold', '5000')
}

/** Every way in which a store, or the network before it, fails. */
export const STORE_FAULTS: readonly StoreFault[] = [
  { title: 'stopped', begin: ({ redis }) => redis.freeze(), end: ({ redis }) => redis.thaw() },
  { title: 'killed, and started again empty', begin: ({ redis }) => redis.kill(), end: ({ redis }) => redis.start() },
  { title: 'paused', begin: ({ redis, heartbeatMs }) => redis.direct.client('PAUSE', 7 * heartbeatMs, 'ALL'), end: () => undefined },
  {
    title: 'slow',
    begin: ({ proxies, timeoutMs }) => { for (const proxy of proxies) proxy.delay(timeoutMs * 2) },
    end: ({ proxies }) => { for (const proxy of proxies) proxy.delay(0) }
  },
  {
    title: 'out of memory',
    begin: ({ redis }) => redis.direct.config('SET', 'maxmemory', '1'), end: ({ redis }) => redis.direct.config('SET', 'maxmemory', '0')
  },
  {
    title: 'a replica that can only be read',
    begin: ({ redis }) => redis.direct.replicaof('127.0.0.1', 1), end: ({ redis }) => redis.direct.replicaof('NO', 'ONE')
  },
  {
    title: 'behind a password that is not known',
    async begin({ redis }) {
      await redis.direct.config('SET', 'requirepass', 'secret')
      await redis.direct.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await redis.direct.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    },
    end: ({ redis }) => redis.direct.config('SET', 'requirepass', '')
  },
  { title: 'busy with a script of somebody else', begin: occupy, end: ({ redis }) => redis.direct.script('KILL') },
  { title: 'cut off without a word', begin: ({ proxies }) => { for (const proxy of proxies) proxy.cut() }, end: mend },
  { title: 'behind a line that is reset', begin: ({ proxies }) => { for (const proxy of proxies) proxy.refuse() }, end: mend },
  {
    title: 'somebody else, who answers what makes no sense',
    begin: ({ proxies }) => { for (const proxy of proxies) proxy.garble(['+OK\r\n', '*0\r\n', '$-1\r\n', ':1\r\n', '\0\x01garbage\r\n\r\n']) }, end: mend
  }
]
