import type { Device } from '../sessions/store.js'
import { digest } from './digest.js'

/** The names of everything in the store. The prefix is a hash tag, so that all keys of a Cluster are in one slot. */
export const createNames = (prefix: string, node: string) => {
  const key = (kind: string): string => `{${prefix}}:${kind}`
  const channel = key('to:')
  return {
    node,
    nodes: key('nodes'),
    orders: key('orders'),
    users: key('user:'),
    user: (id: string): string => `${key('user:')}${id}`,
    allow: (requestKey: string): string => `${key('allow:')}${digest('allow', requestKey)}`,
    /** Lives as long as any allow. */
    allows: key('remembered'),
    closed: (viewer: string): string => `${key('closed:')}${digest('closed', viewer)}`,
    bar: (requestKey: string): string => `${key('bar:')}${digest('bar', requestKey)}`,
    /** Channels of one server, and of all. */
    channel,
    mine: `${channel}${node}`,
    everybody: `${channel}all`
  }
}

export type Names = ReturnType<typeof createNames>

export const userId = (user: string): string => digest('user', user)
export const deviceId = ({ ip, userAgent }: Device): string => digest('device', ip, userAgent)
