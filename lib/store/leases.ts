import type { Claim, Device, Lease, Occupant, PlaceEnd, PlaceRule } from '../sessions/store.js'
import { digest } from './digest.js'
import type { Link } from './link.js'
import { deviceId, userId, type Names } from './names.js'

/** Places that one command renews. */
export const BATCH = 500
/** Heartbeats that a place outlives its node. */
export const LEASE_BEATS = 3

/** The places of this node. */
export interface Leases {
  lease(claim: Claim, occupant: Occupant): Lease
  /** Gives back what could not be given back before, then renews what is held. */
  renew(): Promise<void>
  /** Another node says that a place of this one is lost. */
  lost(message: string): void
  readonly size: number
}

interface Held extends Lease {
  readonly id: string
  readonly user: string
  readonly device: string
  readonly stream: string
  readonly limit: number
  readonly occupant: Occupant
  readonly since: number
  /** The place's begin in the store's words; unknown as long as only a heartbeat has told of it. */
  begin: string | undefined
  /** It turned up after an outage, when its user had too many. */
  late: boolean
  /** Whether there were too many is not known: the store did not answer. */
  unsure: boolean
}

const duration = (ms: number): string => Number.isFinite(ms) ? String(Math.max(0, Math.round(ms))) : '-1'

const deviceOf = (text: string): Device => {
  try {
    return JSON.parse(text) as Device
  } catch {
    return { ip: '', userAgent: '' }
  }
}

export const createLeases = (link: Link, names: Names, heartbeatMs: number, onOver: (lease: Lease) => void): Leases => {
  const leaseMs = heartbeatMs * LEASE_BEATS
  const held = new Map<string, Held>()
  /** Places that may still be in the store under this node's name: the user of each, and until when. */
  const debts = new Map<string, { user: string, until: number }>()
  let renewing = false

  const owe = (id: string, user: string): void => { debts.set(id, { user, until: performance.now() + leaseMs }) }
  const end = (id: string, begin: string, end: PlaceEnd): void => {
    const lease = held.get(id)
    // A message about a place that has been taken again meanwhile is about the one before.
    if (lease === undefined || (lease.begin !== undefined && Number(begin) < Number(lease.begin))) return
    held.delete(id)
    lease.occupant.end(end)
  }
  const giveBack = async (id: string, user: string): Promise<boolean> => await link.run('release', [names.user(user)], [names.node, id]) !== undefined

  const lease = (claim: Claim, occupant: Occupant): Lease => {
    const { user, device, streamPath, sessionId, limit, whenFull, barMs } = claim
    const [owner, deviceDigest, stream] = [userId(user), deviceId(device), digest('stream', streamPath)]
    const id = sessionId === undefined ? digest('place', owner, deviceDigest, stream) : digest('session', sessionId)
    let entered: boolean | undefined
    let released = false
    const ask = async (how: 'take' | 'enter'): Promise<[answer: string, over: boolean] | undefined> => {
      debts.delete(id)
      held.set(id, own)
      const reply = await link.run('take', [names.user(own.user)], [
        names.node, leaseMs, id, deviceDigest, stream, duration(occupant.goneAfterMs), limit, how, whenFull, barMs
      ]) as [string, number, string] | undefined
      own.unsure = reply === undefined
      if (reply === undefined) return undefined
      const [answer, over, begin] = reply
      if (answer === 'in') own.begin = begin
      else if (held.get(id) === own) held.delete(id)
      return [answer, over === 1]
    }
    const own: Held = {
      id, user: owner, device: deviceDigest, stream, limit, occupant, since: performance.now(), begin: undefined, late: false, unsure: false,
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
        const reply = await link.run('settle', [names.user(own.user)], [
          names.node, own.late ? '' : id, whenFull, barMs, leaseMs, JSON.stringify(device), names.channel
        ]) as string[] | undefined
        own.unsure = reply === undefined
        if (reply === undefined) return undefined
        own.late = false
        for (let at = 0; at < reply.length; at += 4) {
          const [lost = '', rule, others, begin = '0'] = reply.slice(at, at + 4)
          end(lost, begin, { rule: rule as PlaceRule, others: Number(others), by: device })
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
    for (const { id, user, device, stream, since, limit, occupant, unsure } of batch) {
      let key = keys.get(user)
      if (key === undefined) keys.set(user, key = keys.size + 1)
      args.push(key, id, device, stream, duration(now - since), duration(occupant.quietMs()),
        duration(occupant.goneAfterMs), limit, unsure ? 1 : 0)
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
        end(id, begin, { rule: rule as PlaceRule, others: Number(others), by: deviceOf(by) })
      } else {
        const lease = held.get(id)
        if (lease === undefined) continue
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
          // What has ended since the heartbeat began is not renewed.
          if (!await renewBatch(all.slice(at, at + BATCH).filter((lease) => held.get(lease.id) === lease))) return
        }
      } finally {
        renewing = false
      }
    },
    lost(message) {
      const [, id = '', rule, others, begin = '0', by = ''] = /^lost (\S+) (\S+) (\d+) (\d+) (.*)$/s.exec(message) ?? []
      end(id, begin, { rule: rule as PlaceRule, others: Number(others), by: deviceOf(by) })
    },
    get size() { return held.size }
  }
}
