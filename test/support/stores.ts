import type { StoreSettings } from '../../lib/access/settings.js'
import type { Claim, EndOrder, Lease, Occupant, PlaceEnd, Store } from '../../lib/sessions/store.js'
import { createStore, type Fingerprint } from '../../lib/store/store.js'
import { until } from './waiting.js'

/** A server's side of the store, and what it heard. */
export interface TestStore extends Store {
  readonly heard: string[]
  readonly usersEnded: { isUser: (user: string) => boolean, order: EndOrder }[]
  readonly forgotten: string[][]
  readonly over: Lease[]
  /** Places that this server was told to end. */
  readonly ended: { claim: Claim, end: PlaceEnd }[]
  /** A newcomer, begun: its place is taken. */
  join(claim: Partial<Claim>, occupant?: Partial<Occupant>): TestPlace
}

export interface TestPlace extends Lease {
  readonly claim: Claim
  /** The server that it is on. */
  readonly on: TestStore
  /** What the store knows it by. */
  readonly id: string
  readonly taken: Promise<boolean | undefined>
  ended: PlaceEnd | undefined
}

let sessions = 0

export const settingsOf = (url: string, more: Partial<StoreSettings> = {}): StoreSettings =>
  ({ urls: [url], prefix: 'test', heartbeatMs: 300, timeoutMs: 250, options: {}, ...more })

export const claimOf = (claim: Partial<Claim>): Claim => ({
  user: 'anna', device: { ip: '192.0.2.1', userAgent: 'player' }, streamPath: '/live/s', sessionId: `session-${++sessions}`, isFile: false,
  limit: 2, whenFull: 'endOldest', barMs: 2000, ...claim
})

/** Connects a server's side. With `isUp` it waits until the store answers. */
export const openStore = async (
  url: string, { isUp = true, fingerprint = { limits: 'a', backend: 'a' }, ...more }: Partial<StoreSettings> & { isUp?: boolean, fingerprint?: Fingerprint | (() => Fingerprint) } = {}
): Promise<TestStore> => {
  const heard: string[] = []
  const usersEnded: TestStore['usersEnded'] = []
  const forgotten: string[][] = []
  const over: Lease[] = []
  const ended: TestStore['ended'] = []
  const store = createStore(settingsOf(url, more), typeof fingerprint === 'function' ? fingerprint : () => fingerprint, {
    endUser: (isUser, order) => usersEnded.push({ isUser, order }),
    forget: (keys, viewers) => forgotten.push([...keys, ...viewers]),
    over: (lease) => over.push(lease),
    onAway: (reason) => heard.push(`away: ${reason}`),
    onBack: () => heard.push('back'),
    onDiffers: (what) => heard.push(`differs: ${what}`)
  })
  if (isUp) await until(() => store.up, 'the store is up')
  return Object.defineProperties({
    heard, usersEnded, forgotten, over, ended,
    join(claim: Partial<Claim>, occupant: Partial<Occupant> = {}): TestPlace {
      const whole = claimOf(claim)
      const lease = store.lease(whole, {
        quietMs: () => 0, goneAfterMs: Infinity,
        end: (end) => { place.ended = end; ended.push({ claim: whole, end }) },
        ...occupant
      })
      const place: TestPlace = Object.assign(lease as Lease & { readonly id: string }, { claim: whole, on: this as unknown as TestStore, taken: lease.take(), ended: undefined })
      return place
    }
  }, Object.getOwnPropertyDescriptors(store)) as unknown as TestStore
}

/** Takes places one after the other; resolves with them in this order. */
export const joinAll = async (store: TestStore, claims: readonly Partial<Claim>[]): Promise<TestPlace[]> => {
  const places: TestPlace[] = []
  for (const claim of claims) {
    const place = store.join(claim)
    await place.taken
    places.push(place)
  }
  return places
}

/** As many different devices. */
export const devices = (count: number): { device: { ip: string, userAgent: string } }[] =>
  Array.from({ length: count }, (_, index) => ({ device: { ip: `192.0.2.${index + 1}`, userAgent: `player ${index + 1}` } }))
