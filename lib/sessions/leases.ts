import type { AccessRequest } from '../access/request.js'
import type { LimitSettings } from '../access/settings.js'
import { holderOf, isFile, isGone, quietMs, type Occupancy } from './occupancy.js'
import type { Session } from './session.js'
import type { Lease, Occupant, PlaceEnd, Store } from './store.js'

/** A place on all servers that a newcomer has got before its begin. */
export interface Entered { release(): void }

/** Places of users' limits as all servers of a fleet count them. */
export interface Leases {
  /**
   * Whether a newcomer has to wait for the word of all servers: where nobody may be ended for it. Then what came of it: a place, who
   * refuses, or `undefined`, since the store is away and this server counts by itself.
   */
  enter(newcomer: Newcomer, mayEnd: boolean): Promise<Entered | 'denyNew' | 'bar' | undefined> | undefined
  /** A place is taken here: takes it on all servers, too. Resolves as `Lease.take`. */
  take(place: Occupancy, session: Session, entered: Entered | undefined): Promise<boolean | undefined>
  /** The same for a place that was taken before its user had a limit. */
  adopt(place: Occupancy): void
  /** Half a second after the begin of whoever was too many. Resolves as `Lease.settle`. */
  settle(place: Occupancy): Promise<true | undefined>
  give(place: Occupancy): void
  /** Whoever the policy has ended here is kept out on all servers. */
  bar(request: AccessRequest, user: string): void
}

/** Who wants a place. */
export interface Newcomer {
  readonly request: AccessRequest
  readonly user: string
  readonly limit: number
  /** Whether its device is kept out, as far as this server knows. */
  readonly barred: boolean
}

export interface LeasesOptions {
  /** As they are now: a reload changes them. */
  readonly settings: () => Pick<LimitSettings, 'whenFull' | 'barMs'>
  readonly store: Store
  readonly requestKey: (request: AccessRequest) => string
  /** A place was lost to a newcomer on whichever server. */
  readonly onLost: (place: Occupancy, end: PlaceEnd) => void
}

/** Bars that are not told again for a while: a machine may retry many times a second. */
const MAX_TOLD = 1000

/** What the store sees of a place, which may not be taken yet. */
class Tenant implements Occupant {
  place: Occupancy | undefined
  lease: Lease | undefined

  constructor(private readonly onLost: LeasesOptions['onLost']) {}

  quietMs(): number { return this.place === undefined ? 0 : quietMs(this.place) }
  /** Files are gone when nobody has asked for so long; of a connection only its server can tell. */
  get goneAfterMs(): number {
    if (this.place === undefined) return Infinity
    const { sessions } = this.place
    if (!isFile(holderOf(this.place))) return isGone(this.place) ? 0 : Infinity
    return Math.max(...sessions.map((session) => session.goneAfterMs()))
  }
  end(end: PlaceEnd): void { if (this.place !== undefined) this.onLost(this.place, end) }
  release(): void { this.lease?.release() }
}

export const createLeases = ({ store, settings, requestKey, onLost }: LeasesOptions): Leases => {
  const tenants = new WeakMap<Occupancy, Tenant>()
  const told = new Map<string, number>()
  const tenantFor = (request: AccessRequest, user: string, limit: number, mayEnd: boolean): Tenant => {
    const { ip, userAgent, streamPath, sessionId } = request
    const tenant = new Tenant(onLost)
    const { whenFull, barMs } = settings()
    const policy = mayEnd ? whenFull : 'free'
    tenant.lease = store.lease({ user, device: { ip, userAgent }, streamPath, limit, whenFull: policy, barMs, ...(!isFile({ request }) && { sessionId }) }, tenant)
    return tenant
  }
  return {
    enter({ request, user, limit, barred }, mayEnd) {
      const waits = settings().whenFull === 'denyNew' || !mayEnd || barred || store.barred(user, request)
      if (!waits || !store.up) return undefined
      const tenant = tenantFor(request, user, limit, mayEnd)
      const entering = tenant.lease?.enter() ?? Promise.resolve(undefined)
      return entering.then((answer) => {
        if (answer === 'in') return tenant
        tenant.release()
        return answer
      })
    },
    take(place, session, entered) {
      if (tenants.has(place)) {
        // The place is there; what the newcomer has got is the same one, unless that was lost meanwhile.
        return Promise.resolve(false)
      }
      const { strict, sameDevice, request } = session
      const tenant = entered instanceof Tenant ? entered : tenantFor(request, place.user.key, place.user.limit, sameDevice || !strict)
      tenants.set(place, tenant)
      tenant.place = place
      return tenant.lease?.take() ?? Promise.resolve(undefined)
    },
    adopt(place) {
      if (tenants.has(place)) return
      const { request } = holderOf(place)
      const tenant = tenantFor(request, place.user.key, place.user.limit, true)
      tenants.set(place, tenant)
      tenant.place = place
      void tenant.lease?.take()
    },
    settle: (place) => tenants.get(place)?.lease?.settle() ?? Promise.resolve(undefined),
    give: (place) => tenants.get(place)?.release(),
    bar(request, user) {
      const { barMs } = settings()
      const key = requestKey(request)
      const now = performance.now()
      if (now - (told.get(key) ?? -Infinity) < barMs / 4) return
      if (told.size >= MAX_TOLD) told.clear()
      told.set(key, now)
      store.bar(key, user, request, barMs)
    }
  }
}
