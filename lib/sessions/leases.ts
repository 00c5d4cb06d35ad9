import type { AccessRequest } from '../access/request.js'
import type { LimitSettings } from '../access/settings.js'
import { holderOf, isFile, isGone, quietMs, type Occupancy } from './occupancy.js'
import type { Session } from './session.js'
import type { Lease, Occupant, PlaceEnd, Store } from './store.js'

/** A place on all servers that a newcomer holds before it begins. */
export interface Entered { release(): void }

/** Places of users' limits, counted over all servers of a fleet. */
export interface Leases {
  /**
   * Waits for all servers if the newcomer may end nobody. Resolves with a place, a refusal, or `undefined` if the store
   * is away and this server counts by itself.
   */
  enter(newcomer: Newcomer, mayEnd: boolean): Promise<Entered | 'denyNew' | 'bar' | undefined> | undefined
  /** Takes a place on all servers that was taken here. Resolves as `Lease.take`. */
  take(place: Occupancy, session: Session, entered: Entered | undefined): Promise<boolean | undefined>
  /** The same for a place taken before its user had a limit. @param limit - the limit named now; 0 or absent: the user's last one */
  adopt(place: Occupancy, limit?: number): void
  /** To be called half a second after a session began while its user was over the limit. Resolves as `Lease.settle`. */
  settle(place: Occupancy): Promise<true | undefined>
  give(place: Occupancy): void
  /** Bars on all servers a client ended by the policy. */
  bar(request: AccessRequest, user: string): void
}

/** A client that wants a place. */
export interface Newcomer {
  readonly request: AccessRequest
  readonly user: string
  readonly limit: number
  /** Whether its device is barred, as far as this server knows. */
  readonly barred: boolean
}

export interface LeasesOptions {
  /** In force now: a reload changes them. */
  readonly settings: () => Pick<LimitSettings, 'whenFull' | 'barMs'>
  readonly store: Store
  readonly requestKey: (request: AccessRequest) => string
  /** A place was lost to a newcomer on any server. */
  readonly onLost: (place: Occupancy, end: PlaceEnd) => void
}

/** Bars that are not announced again for a while: a machine may retry many times a second. */
const MAX_TOLD = 1000

/** What the store sees of a place, which may not be taken yet. */
class Tenant implements Occupant {
  place: Occupancy | undefined
  lease: Lease | undefined

  constructor(private readonly onLost: LeasesOptions['onLost']) {}

  quietMs(): number { return this.place === undefined ? 0 : quietMs(this.place) }
  /** A file session is gone after this long without a request; only its own server can tell that of a connection. */
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
    tenant.lease = store.lease({ user, device: { ip, userAgent }, streamPath, limit, whenFull: policy, barMs, sessionId, isFile: isFile({ request }) }, tenant)
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
        // The place exists already; the newcomer's is the same one, unless it was lost meanwhile.
        return Promise.resolve(false)
      }
      const { strict, sameDevice, request } = session
      const tenant = entered instanceof Tenant ? entered : tenantFor(request, place.user.key, place.user.limit, sameDevice || !strict)
      tenants.set(place, tenant)
      tenant.place = place
      return tenant.lease?.take() ?? Promise.resolve(undefined)
    },
    adopt(place, heard = 0) {
      const limit = heard > 0 ? heard : place.user.limit
      if (limit === 0 || tenants.has(place)) return
      const { request } = holderOf(place)
      const tenant = tenantFor(request, place.user.key, limit, true)
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
