import { randomBytes } from 'node:crypto'
import type { StoreSettings } from '../access/settings.js'
import { caught, safely } from '../safely.js'
import { trace } from '../trace.js'
import type { Store, StoreListener } from '../sessions/store.js'
import { createClient } from './client.js'
import { createLeases, LEASE_BEATS } from './leases.js'
import { createLink } from './link.js'
import { createMemory } from './memory.js'
import { createNames, deviceId, userId } from './names.js'
import { createOrders } from './orders.js'

const debug = trace('store')

/** Hashes of the settings that must be the same on all servers. */
export interface Fingerprint { readonly limits: string, readonly backend: string }

/**
 * Connects to the store. Server ids are random for each start: what an ended server leaves behind belongs to nobody.
 * @param fingerprint - of the settings in force at each call: a reload changes it
 * @throws HttpAuthError `ERR_STORE_PACKAGE` if ioredis is missing; a store that does not answer is no error
 */
export const createStore = (settings: StoreSettings, fingerprint: () => Fingerprint, listener: StoreListener): Store => {
  const client = createClient(settings)
  const subscriber = createClient(settings)
  const names = createNames(settings.prefix, randomBytes(8).toString('base64url'))
  const differing = new Set<string>()
  let servers = 0
  let subscribed = false
  let closed = false

  const compare = (others: readonly string[]): void => {
    const own = fingerprint()
    for (const [index, what] of (['limits', 'backend'] as const).entries()) {
      const differs = others.some((other) => other.split(' ')[index] !== own[what])
      if (differs && !differing.has(what)) listener.onDiffers(what)
      differing[differs ? 'add' : 'delete'](what)
    }
  }
  const link = createLink(client, settings, {
    hello() {
      const { limits, backend } = fingerprint()
      return { keys: [names.nodes, names.orders], args: [names.node, settings.heartbeatMs * LEASE_BEATS, `${limits} ${backend}`, orders.heardUntil] }
    },
    onHello(reply) {
      const [time, count, missed, others] = reply as [string, number, string[], string[]]
      servers = count
      for (const order of missed) orders.hear(order)
      orders.heard(time)
      compare(others)
    },
    onBeat() {
      subscribe()
      leases.renew().catch(caught)
    },
    // Messages arrive on a second connection, about which heartbeats say nothing.
    onDead: () => subscriber.disconnect(true),
    onAway: listener.onAway,
    onBack: listener.onBack
  })
  const orders = createOrders(link, names, listener)
  const leases = createLeases(link, names, settings.heartbeatMs, listener.over)
  const memory = createMemory(link, names)

  subscriber.on('message', safely(undefined, (channel: string, message: string) => {
    if (channel === names.mine) leases.lost(message)
    else orders.hear(message)
  }))
  subscriber.on('error', safely(undefined, (error: Error) => debug('subscriber: %s', error)))
  /**
   * Only to what has answered a heartbeat as a Redis does: anything else has no messages for us.
   * Until then heartbeats bring what messages would have.
   */
  const subscribe = safely(undefined, () => {
    if (subscribed || !link.up || subscriber.status !== 'ready') return
    subscribed = true
    subscriber.subscribe(names.mine, names.everybody).catch((error: unknown) => {
      subscribed = false
      debug('subscriber: %s', error)
    })
  })
  subscriber.on('ready', subscribe)
  subscriber.on('close', safely(undefined, () => { subscribed = false }))
  subscriber.connect().catch((error: unknown) => debug('subscriber: %s', error))

  return {
    ...memory,
    get up() { return link.up },
    lease: leases.lease,
    barred: orders.barred,
    bar(requestKey, user, device, forMs) {
      const owner = userId(user)
      void link.run('bar', [names.bar(requestKey), names.user(owner)], [owner, deviceId(device), Math.max(1, Math.round(forMs))])
      orders.bar(user, device, forMs)
    },
    endUser: orders.endUser,
    forget: orders.forget,
    stats: () => ({ up: link.up, servers: link.up ? servers : 0, errors: link.errors, outages: link.outages, places: leases.size }),
    async close() {
      if (closed) return
      closed = true
      await link.close()
      subscriber.disconnect()
    }
  }
}
