import type { Device, EndOrder, StoreListener } from '../sessions/store.js'
import { trace } from '../trace.js'
import type { Link } from './link.js'
import { deviceId, userId, type Names } from './names.js'

const debug = trace('store')

/** What a server tells all others. */
type Order =
  | { readonly is: 'end-user', readonly user: string, readonly order: EndOrder }
  | { readonly is: 'forget', readonly keys: readonly string[], readonly viewers: readonly string[], readonly order?: EndOrder }
  | { readonly is: 'bar', readonly user: string, readonly device: string, readonly forMs: number }

/** Most bars of other servers known here. */
const MAX_BARS = 20_000

/** Orders to all servers: by message, and with the next heartbeat for servers that missed it. */
export interface Orders {
  endUser(user: string, order: EndOrder): void
  forget(keys: readonly string[], viewers?: readonly string[], order?: EndOrder): void
  bar(user: string, device: Device, forMs: number): void
  barred(user: string, device: Device): boolean
  /** An order arrives, for the first time or again. */
  hear(text: string): void
  /** When the newest order was given that has been heard, in the store's words; `0` before the first heartbeat. */
  readonly heardUntil: string
  /** The store's time, from a heartbeat, after all orders that came with it. */
  heard(time: string): void
}

export const createOrders = (link: Link, names: Names, listener: Pick<StoreListener, 'endUser' | 'forget'>): Orders => {
  /** Orders since the last heartbeat: each comes by message and once more with the heartbeat. */
  let recent = new Set<string>()
  let heardUntil = '0'
  const bars = new Map<string, number>()

  const give = (order: Order, allows: readonly string[] = [], viewers: readonly string[] = []): void => {
    const keys = [names.orders, names.allows, ...allows.map(names.allow), ...viewers.map(names.closed)]
    void link.run('order', keys, [names.everybody, `${names.node} ${JSON.stringify(order)}`, allows.length])
  }
  const isBarred = (key: string): boolean => {
    const until = bars.get(key)
    if (until !== undefined && until <= performance.now()) bars.delete(key)
    return bars.has(key)
  }
  const noteBar = (user: string, device: string, forMs: number): void => {
    const key = `${user} ${device}`
    bars.delete(key)
    const oldest = bars.keys().next()
    if (bars.size >= MAX_BARS && !oldest.done) bars.delete(oldest.value)
    bars.set(key, performance.now() + forMs)
  }
  const obey = (order: Order): void => {
    switch (order.is) {
      case 'end-user': return listener.endUser((user) => userId(user) === order.user, order.order)
      case 'forget': return listener.forget(order.keys, order.viewers, order.order)
      case 'bar': return noteBar(order.user, order.device, order.forMs)
    }
  }

  return {
    endUser: (user, order) => give({ is: 'end-user', user: userId(user), order }),
    forget: (keys, viewers = [], order) => give({ is: 'forget', keys, viewers, ...(order && { order }) }, keys, viewers),
    bar: (user, device, forMs) => give({ is: 'bar', user: userId(user), device: deviceId(device), forMs }),
    barred: (user, device) => bars.size > 0 && isBarred(`${userId(user)} ${deviceId(device)}`),
    hear(text) {
      const [, time = '', node, json = ''] = /^(\d+) (\S+) (.*)$/s.exec(text) ?? []
      if (node === names.node || recent.has(text) || Number(time) <= Number(heardUntil)) return
      recent.add(text)
      debug('order %s', json)
      try {
        obey(JSON.parse(json) as Order)
      } catch (error) {
        debug('an order could not be obeyed: %s', error)
      }
    },
    get heardUntil() { return heardUntil },
    heard(time) {
      heardUntil = time
      recent = new Set()
    }
  }
}
