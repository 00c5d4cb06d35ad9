/**
 * What the servers of a fleet share, as the registry sees it.
 *
 * Every promise here resolves within the store's `timeoutMs`, and with `undefined` while the store is away or did not
 * answer in time: this server then counts by itself. None rejects, and nobody is denied because of the store.
 */
export interface Store extends StoreMemory {
  /** Whether the store answers. While it does not, nothing here sends a command or waits. */
  readonly up: boolean
  /** One place of a user's limit, for a newcomer who has a user and a limit. Sends nothing yet. */
  lease(claim: Claim, occupant: Occupant): Lease
  /**
   * Whether another server barred this user's device lately. Such a newcomer waits for `enter()` as under `denyNew`.
   * Knows what other servers told; asks nobody.
   */
  barred(user: string, device: Device): boolean
  /** Keeps this request out, on all servers, while its user has no free place. */
  bar(requestKey: string, user: string, device: Device, forMs: number): void
  /** Ends the user's sessions on all other servers; their listeners hear `endUser`. */
  endUser(user: string, order: EndOrder): void
  stats(): StoreStats
  close(): Promise<void>
}

/** A session's address and user agent, in clear. */
export interface Device { readonly ip: string, readonly userAgent: string }

/** What a newcomer takes a place for. Users, streams and devices reach the store only as hashes. */
export interface Claim {
  /** Whose limit it counts for. */
  readonly user: string
  readonly device: Device
  readonly streamPath: string
  /** The id of a live session. HLS and files have none: one place for user, device and stream, on all servers. */
  readonly sessionId?: string
  /** Sessions of the user at once, 1 or more; the newcomer's own answer counts. */
  readonly limit: number
  /** `free`: only a free place is taken, and nobody ends for it. */
  readonly whenFull: 'endOldest' | 'denyNew' | 'free'
  readonly barMs: number
}

/** What runs here in a place; looked at with every heartbeat. */
export interface Occupant {
  /** Since the last request was served, or since a send queue that is not empty has shrunk, in milliseconds; 0 for a live session that takes what it is sent. */
  quietMs(): number
  /** After so long a quiet it is gone without having said so, in milliseconds; `Infinity` is never, 0 is now. The quiet goes on between two looks. */
  readonly goneAfterMs: number
  /** It has lost its place to another and must end. */
  end(end: PlaceEnd): void
}

/** Why a place was lost: the rules of the limit in their order. */
export type PlaceRule = 'reconnect' | 'gone' | 'zap' | 'endOldest' | 'denyNew' | 'bar'

export interface PlaceEnd {
  readonly rule: PlaceRule
  /** Sessions that the user goes on with. */
  readonly others: number
  /** Who took the place. */
  readonly by: Device
}

/** A place that is being taken, held, or given back. */
export interface Lease {
  /**
   * Before the begin: reserves the place if the user has one left, or if somebody may go for this newcomer.
   * `denyNew` and `bar` refuse.
   */
  enter(): Promise<'in' | 'denyNew' | 'bar' | undefined>
  /** At the begin: takes the place in any case. Whether the user has more than its places now, so that `settle()` is due 500 ms later. */
  take(): Promise<boolean | undefined>
  /** Ends, on all servers, who has to go for this place if there still are too many. True when that is done. */
  settle(): Promise<true | undefined>
  /** Gives the place back; calling it again does nothing. */
  release(): void
}

export interface StoreMemory {
  /**
   * The one look-up for a newcomer of whom nothing is known here.
   * @param requestKey of the request; its bar is looked for
   * @param keys by which an allow that covers the request may be known, the most likely first
   */
  recall(requestKey: string, keys: readonly string[]): Promise<Recalled | undefined>
  /** Remembers what the backend said about a request. `facts` are sealed: only who has the key can read them. */
  remember(key: string, facts: string, forMs: number): Promise<true | undefined>
  /** Adds keys by which a remembered allow is found, too: those of the directories that an HLS session covers. */
  cover(key: string, covered: readonly string[]): Promise<true | undefined>
  /**
   * Forgets allows, with all they cover, on all servers; the listeners of the others hear `forget`.
   * @param order - the sessions that they let in end, too
   */
  forget(keys: readonly string[], order?: EndOrder): void
}

export interface Recalled {
  /** What is remembered, where something is. */
  readonly allow?: {
    /** Of the request that was allowed, and the one of the keys by which it was found. */
    readonly key: string
    readonly by: string
    readonly facts: string
    readonly remainingMs: number
  }
  /** The request is barred, and its user has no free place. */
  readonly barred: boolean
}

/** How a session is to be ended. */
export interface EndOrder {
  /** What its client reads. */
  readonly message?: string | undefined
  /** How long the same request is refused, in milliseconds. */
  readonly barMs?: number | undefined
}

/** What other servers want done here, and what is said about the store. */
export interface StoreListener {
  /** Another server ended a user's sessions. */
  endUser(isUser: (user: string) => boolean, order: EndOrder): void
  /** These requests are not remembered any more; with an order the sessions that they opened end, too. */
  forget(keys: readonly string[], order: EndOrder | undefined): void
  /**
   * Takes of places that the store had not heard of were found to be too many: `settle()` of each is due in 500 ms.
   */
  over(lease: Lease): void
  /** The store is away, each server counts by itself. */
  onAway(reason: string): void
  /** It is back, once for each `onAway`, and what runs here is registered there. */
  onBack(awayMs: number): void
  /** A server with other limits, or another backend, uses the same store. */
  onDiffers(what: 'limits' | 'backend'): void
}

export interface StoreStats {
  readonly up: boolean
  /** Servers that use the store now, this one included. */
  readonly servers: number
  /** Commands without a good answer in time, and connections that were lost or could not be made. */
  readonly errors: number
  readonly outages: number
  /** Places that this server holds. */
  readonly places: number
}
