import type { Claim, Device, Lease, Occupant, PlaceEnd, PlaceRule, Taker } from '../sessions/store.js'
import { digest } from './digest.js'
import type { Link } from './link.js'
import { deviceId, userId, type Names } from './names.js'

/** Places renewed by one command. */
export const BATCH = 500
/** How many heartbeats a place outlives its server. */
export const LEASE_BEATS = 3

/** The places held by this server. */
export interface Leases {
  lease(claim: Claim, occupant: Occupant): Lease
  /** Gives back places that could not be given back before, then renews those held. */
  renew(): Promise<void>
  /** Another server says that a place held here is lost. */
  lost(message: string): void
  readonly size: number
}

interface Held extends Lease {
  readonly id: string
  readonly user: string
  readonly device: string
  readonly shown: Device
  readonly stream: string
  readonly limit: number
  readonly occupant: Occupant
  readonly since: number
  /** The place's begin by the store's clock, which changes when a heartbeat restores the place. */
  begin: string | undefined
  /** It was registered after an outage, when its user had too many. */
  late: boolean
  /** The store did not answer, so it is unknown whether there were too many. */
  unsure: boolean
  /** The store is being asked for it; renewing it now could give it a place that it is refused. */
  asking: boolean
}

const duration = (ms: number): string => Number.isFinite(ms) ? String(Math.max(0, Math.round(ms))) : '-1'

/** Who took a place, as written in the store; if empty, the same device. */
const takerOf = (text: string, { ip, userAgent }: Device): Taker => {
  try {
    return JSON.parse(text) as Taker
  } catch {
    return { ip, userAgent }
  }
}

export const createLeases = (link: Link, names: Names, heartbeatMs: number, onOver: (lease: Lease) => void): Leases => {
  const leaseMs = heartbeatMs * LEASE_BEATS
  const held = new Map<string, Held>()
  /** Places that may still be in the store under this server's name: each one's user, and until when. */
  const debts = new Map<string, { user: string, until: number }>()
  let renewing = false

  const owe = (id: string, user: string): void => { debts.set(id, { user, until: performance.now() + leaseMs }) }
  const end = (id: string, begin: string, { by, ...end }: Omit<PlaceEnd, 'by'> & { readonly by: string }): void => {
    const lease = held.get(id)
    // A message about a place that was taken again meanwhile refers to the earlier one.
    if (lease === undefined || (lease.begin !== undefined && Number(begin) < Number(lease.begin))) return
    held.delete(id)
    lease.occupant.end({ ...end, by: takerOf(by, lease.shown) })
  }
  const giveBack = async (id: string, user: string): Promise<boolean> => await link.run('release', [names.user(user)], [names.node, id]) !== undefined

  const lease = (claim: Claim, occupant: Occupant): Lease => {
    const { user, device, streamPath, sessionId, isFile, limit, whenFull, barMs } = claim
    const [owner, deviceDigest, stream] = [userId(user), deviceId(device), digest('stream', streamPath)]
    const id = isFile ? digest('place', owner, deviceDigest, stream) : digest('session', sessionId)
    let entered: boolean | undefined
    let released = false
    const ask = async (how: 'take' | 'enter'): Promise<[answer: string, over: boolean] | undefined> => {
      debts.delete(id)
      held.set(id, own)
      own.asking = true
      const reply = await link.run('take', [names.user(own.user)], [
        names.node, leaseMs, id, deviceDigest, stream, duration(occupant.goneAfterMs), limit, how, whenFull, barMs
      ]) as [string, number, string] | undefined
      own.asking = false
      own.unsure = reply === undefined
      if (reply === undefined) return undefined
      const [answer, over, begin] = reply
      if (answer === 'in') own.begin = begin
      else if (held.get(id) === own) held.delete(id)
      return [answer, over === 1]
    }
    const own: Held = {
      id, user: owner, device: deviceDigest, shown: device, stream, limit, occupant, since: performance.now(), begin: undefined, late: false, unsure: false, asking: false,
      async enter() {
        const answer = await ask('enter')
        if (answer === undefined) return undefined
        const [word, over] = answer
        if (word === 'in') entered = over
        return word as 'in' | 'denyNew' | 'bar'
      },
      async take() {
        if (released) return undefined
        return entered ?? (await ask('take'))?.[1]
      },
      async settle() {
        if (held.get(id) !== own) return true
        // A late place is not always the one for which the others end.
        const by = JSON.stringify({ ip: device.ip, userAgent: device.userAgent, ...(!own.late && { session: sessionId }) } satisfies Taker)
        const reply = await link.run('settle', [names.user(own.user)], [
          names.node, own.late ? '' : id, whenFull, barMs, leaseMs, by, names.channel
        ]) as string[] | undefined
        own.unsure = reply === undefined
        if (reply === undefined) return undefined
        own.late = false
        for (let at = 0; at < reply.length; at += 5) {
          const [lost = '', rule, others, begin = '0', mine] = reply.slice(at, at + 5)
          end(lost, begin, { rule: rule as PlaceRule, others: Number(others), by: mine === '1' ? by : '' })
        }
        return true
      },
      release() {
        released = true
        if (held.get(id) !== own) return
        held.delete(id)
        owe(id, own.user)
        void giveBack(id, own.user).then((done) => { if (done && !held.has(id)) debts.delete(id) })
      }
    }
    return own
  }

  const payDebts = async (): Promise<void> => {
    for (const [id, { user, until }] of debts) {
      if (until > performance.now() && !await giveBack(id, user)) return
      debts.delete(id)
    }
  }
  const renewBatch = async (batch: readonly Held[]): Promise<boolean> => {
    const keys = new Map<string, number>()
    const args: (string | number)[] = [names.node, leaseMs, leaseMs]
    const now = performance.now()
    for (const { id, user, device, stream, since, limit, occupant, unsure, begin = '' } of batch) {
      let key = keys.get(user)
      if (key === undefined) keys.set(user, key = keys.size + 1)
      args.push(key, id, device, stream, duration(now - since), duration(occupant.quietMs()),
        duration(occupant.goneAfterMs), limit, unsure ? 1 : 0, begin)
    }
    const reply = await link.run('renew', [...keys.keys()].map(names.user), args) as string[] | undefined
    if (reply === undefined) return false
    for (const lease of batch) lease.unsure = false
    const values = reply[Symbol.iterator]()
    const next = (): string => values.next().value ?? ''
    for (const what of values) {
      const id = next()
      if (what === 'lost') {
        const [rule, others, begin, by] = [next(), next(), next(), next()]
        end(id, begin, { rule: rule as PlaceRule, others: Number(others), by })
        continue
      }
      const begin = what === 'begin' ? next() : undefined
      const lease = held.get(id)
      if (lease === undefined) continue
      if (begin !== undefined) {
        lease.begin = begin
      } else {
        lease.late = true
        onOver(lease)
      }
    }
    return true
  }

  return {
    lease,
    async renew() {
      if (renewing) return
      renewing = true
      try {
        await payDebts()
        const all = [...held.values()]
        for (let at = 0; at < all.length; at += BATCH) {
          // Sessions that ended since the heartbeat began are not renewed.
          if (!await renewBatch(all.slice(at, at + BATCH).filter((lease) => held.get(lease.id) === lease && !lease.asking))) return
        }
      } finally {
        renewing = false
      }
    },
    lost(message) {
      const [, id = '', rule, others, begin = '0', by = ''] = /^lost (\S+) (\S+) (\d+) (\d+) (.*)$/s.exec(message) ?? []
      end(id, begin, { rule: rule as PlaceRule, others: Number(others), by })
    },
    get size() { return held.size }
  }
}
