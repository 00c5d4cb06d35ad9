/**
 * What the servers of a fleet share, as the registry sees it.
 *
 * Every promise resolves within the store's `timeoutMs`; with `undefined` if the store is away or did not answer in
 * time: this server then counts by itself. No promise rejects, and nobody is denied because of the store.
 */
export interface Store extends StoreMemory {
  /** Whether the store answers. While it does not, nothing is sent and nothing waits. */
  readonly up: boolean
  /** A place for a newcomer with a user and a limit. Sends nothing yet. */
  lease(claim: Claim, occupant: Occupant): Lease
  /**
   * Whether another server barred this user's device recently; such a newcomer waits for `enter()` as under `denyNew`.
   * Uses what other servers announced, without asking.
   */
  barred(user: string, device: Device): boolean
  /** Bars this request on all servers, as long as its user has no free place. */
  bar(requestKey: string, user: string, device: Device, forMs: number): void
  /** Ends the user's sessions on all other servers, through their `endUser`. */
  endUser(user: string, order: EndOrder): void
  stats(): StoreStats
  close(): Promise<void>
}

/** A session's address and user agent, in clear. */
export interface Device { readonly ip: string, readonly userAgent: string }

/** Who took the place of an ended session. */
export interface Taker extends Device {
  /** Session id; absent if several servers found out only after an outage of the store that there were too many. */
  readonly session?: string
}

/** What a newcomer takes a place for. Users, streams and devices reach the store only as hashes. */
export interface Claim {
  /** Whose limit it counts for. */
  readonly user: string
  readonly device: Device
  readonly streamPath: string
  readonly sessionId: string
  /** HLS and file sessions share one place per user, device and stream on all servers; each live session has its own. */
  readonly isFile: boolean
  /** The user's limit, 1 or more; the newcomer's own answer counts. */
  readonly limit: number
  /** `free`: takes only a free place and ends nobody. */
  readonly whenFull: 'endOldest' | 'denyNew' | 'free'
  readonly barMs: number
}

/** What occupies a place here; read at every heartbeat. */
export interface Occupant {
  /** Time since the last request, or since a non-empty send queue last shrank, in milliseconds; 0 for a live session that keeps up. */
  quietMs(): number
  /** After this much quiet it counts as gone, in milliseconds; `Infinity` is never, 0 is now. */
  readonly goneAfterMs: number
  /** It has lost its place and must end. */
  end(end: PlaceEnd): void
}

/** Why a place was lost: the rules of the limit in their order. */
export type PlaceRule = 'reconnect' | 'gone' | 'zap' | 'endOldest' | 'denyNew' | 'bar'

export interface PlaceEnd {
  readonly rule: PlaceRule
  /** Sessions the user still has. */
  readonly others: number
  /** Who took the place. */
  readonly by: Taker
}

/** A place being taken, held, or given back. */
export interface Lease {
  /**
   * Before the begin: reserves a place if one is free, or if another session may end for this newcomer. `denyNew` and
   * `bar` are refusals.
   */
  enter(): Promise<'in' | 'denyNew' | 'bar' | undefined>
  /** At the begin: takes the place in any case. Resolves with whether the user is now over its limit; then call `settle()` 500 ms later. */
  take(): Promise<boolean | undefined>
  /** Ends sessions for this place, on all servers, if there still are too many. Resolves with true when done. */
  settle(): Promise<true | undefined>
  /** Gives the place back; calling it again does nothing. */
  release(): void
}

export interface StoreMemory {
  /**
   * The single look-up for a newcomer that is unknown here.
   * @param requestKey - its bar is looked up
   * @param keys - keys of allows that may cover the request, most likely first
   * @param viewers - viewers it may belong to: allows older than their last closing are not found
   */
  recall(requestKey: string, keys: readonly string[], viewers?: readonly string[]): Promise<Recalled | undefined>
  /** Remembers the backend's answer to a request. `facts` are encrypted: only those who have the key can read them. */
  remember(key: string, facts: string, forMs: number): Promise<true | undefined>
  /** Makes a remembered allow known under more keys: the directories an HLS session covers. */
  cover(key: string, covered: readonly string[]): Promise<true | undefined>
  /**
   * Forgets allows and everything they cover, on all servers, through their `forget`.
   * @param viewers - closed viewers: whatever they were allowed until now is forgotten, too
   * @param order - also ends the sessions that these allows admitted
   */
  forget(keys: readonly string[], viewers?: readonly string[], order?: EndOrder): void
}

export interface Recalled {
  /** What is remembered, if anything. */
  readonly allow?: {
    /** Key of the allowed request, and the key by which it was found. */
    readonly key: string
    readonly by: string
    readonly facts: string
    readonly remainingMs: number
  }
  /** The request is barred, and its user has no free place. */
  readonly barred: boolean
}

/** How to end a session. */
export interface EndOrder {
  /** What its client reads. */
  readonly message?: string | undefined
  /** How long the same request is refused, in milliseconds. */
  readonly barMs?: number | undefined
}

/** Orders from other servers, and news about the store. */
export interface StoreListener {
  /** Another server ended a user's sessions. */
  endUser(isUser: (user: string) => boolean, order: EndOrder): void
  /** Forget these requests and viewers; with an order, also end the sessions that the requests opened. */
  forget(keys: readonly string[], viewers: readonly string[], order: EndOrder | undefined): void
  /** After an outage of the store, a user was found to be over its limit: call `settle()` in 500 ms. */
  over(lease: Lease): void
  /** The store is away; each server counts by itself. */
  onAway(reason: string): void
  /** The store is back, and the sessions running here are registered; once for each `onAway`. */
  onBack(awayMs: number): void
  /** A server with other limits or another backend uses the same store. */
  onDiffers(what: 'limits' | 'backend'): void
}

export interface StoreStats {
  readonly up: boolean
  /** Servers using the store now, including this one. */
  readonly servers: number
  /** Commands without a usable answer in time, and failed or lost connections. */
  readonly errors: number
  readonly outages: number
  /** Places held by this server. */
  readonly places: number
}
