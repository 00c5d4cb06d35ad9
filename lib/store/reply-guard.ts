import type * as ioredis from 'ioredis'
import { safely } from '../safely.js'

type Client = ioredis.Redis | ioredis.Cluster
type Taker = (this: { readonly redis: ioredis.Redis }, reply: unknown) => void
/** What ioredis gives each decoded reply to: a class of its own, in 5 and in 6. */
export interface DataHandler { readonly prototype: Record<string, Taker | undefined> }

/** Methods that a reply comes to. 5 has no push frames. */
const TAKERS = ['returnReply', 'returnPush'] as const

/**
 * ioredis reads pushes and messages without a look at their shape, and what it throws there nobody can catch: a malformed
 * one would end the process. For clients that are watched it ends the connection instead, and ioredis opens a new one.
 * Other clients of the same ioredis are left as they are.
 * @returns watches a client until it is ended
 * @throws TypeError if this version of ioredis takes replies in some other way
 */
export const guardReplies = ({ prototype }: DataHandler): (client: Client) => void => {
  const clients = new Set<Client>()
  const isWatched = (redis: ioredis.Redis): boolean => [...clients].some((client) => client === redis || (client.isCluster && connectionsOf(client as ioredis.Cluster).includes(redis)))
  if (typeof prototype['returnReply'] !== 'function') throw new TypeError('ioredis takes replies in some other way')
  for (const name of TAKERS) {
    const take = prototype[name]
    if (take === undefined) continue
    prototype[name] = function (reply) {
      try {
        take.call(this, reply)
      } catch (error) {
        if (!isWatched(this.redis)) throw error
        this.redis.disconnect(true)
      }
    }
  }
  return (client) => {
    clients.add(client)
    client.once('end', safely(undefined, () => { clients.delete(client) }))
  }
}

/** All connections of a cluster; messages come on one that is not among its nodes. */
const connectionsOf = (cluster: ioredis.Cluster): unknown[] => {
  const { subscriber } = cluster as unknown as { readonly subscriber?: { getInstance?(): unknown } }
  return [...cluster.nodes(), subscriber?.getInstance?.()]
}
