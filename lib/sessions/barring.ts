import type { AccessRequest } from '../access/request.js'
import { createBars, type Bar } from './bars.js'
import type { User } from './occupancy.js'
import { createSwings } from './swings.js'

/** Requests and devices that are kept out for a while. */
export interface Barring {
  /** The bar of a request, whatever its user. */
  get(request: AccessRequest): Bar | undefined
  /** Whether the request, or its device with this user, is barred. */
  has(request: AccessRequest, user: string): boolean
  /** Bars the request and its device on all servers, as long as their user has no free place. */
  keepOut(request: AccessRequest, user: User): void
  /** Bars a request whether its user has a free place or not. */
  close(requestKey: string, forMs: number): void
  /** A device asks again. Returns whether no other session of the same device may end for it now. */
  swings(request: AccessRequest, user: string): boolean
  /** A session of the device was ended for another session of the same device. */
  swung(request: AccessRequest, user: string): void
}

interface BarringOptions {
  readonly barMs: () => number
  /** The key that identifies a repeated request. */
  readonly requestKey: (request: AccessRequest) => string
  /** Tells the other servers. */
  readonly onKeptOut: (request: AccessRequest, user: string) => void
  readonly now: () => number
}

const deviceOf = (user: string, { ip, userAgent }: AccessRequest): string => `${user}\n${ip}\n${userAgent}`

export const createBarring = ({ barMs, requestKey, onKeptOut, now }: BarringOptions): Barring => {
  const bars = createBars(now)
  const swings = createSwings(barMs, now)
  return {
    get: (request) => bars.size === 0 ? undefined : bars.get(requestKey(request)),
    has: (request, user) => bars.size > 0 && (bars.get(requestKey(request)) !== undefined || bars.get(deviceOf(user, request)) !== undefined),
    keepOut(request, { key }) {
      onKeptOut(request, key)
      const bar = { user: key, firm: false }
      bars.add(requestKey(request), bar, barMs())
      bars.add(deviceOf(key, request), bar, barMs())
    },
    close: (key, forMs) => bars.add(key, { user: undefined, firm: true }, forMs),
    swings: (request, user) => swings.asks(deviceOf(user, request), request.streamPath),
    swung: (request, user) => swings.ended(deviceOf(user, request), request.streamPath)
  }
}
