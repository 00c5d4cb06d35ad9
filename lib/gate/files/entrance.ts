import type { LeaveSignal } from '../../access/departure.js'
import type { AccessRequest } from '../../access/request.js'
import { createOpenings } from '../../hls/openings.js'
import type { Sessions } from '../../hls/sessions.js'
import { overloaded } from '../door/door.js'
import type { Release } from '../door/slots.js'
import { findBy, keyOf, type Belonging } from './belonging.js'
import type { Asker, OpenSession, Outcome } from './opening.js'
import type { Opened, PastSessions } from './past-sessions.js'
import type { SharedViewers } from './shared-viewers.js'
import type { Viewer } from './viewer.js'

/** A request without a session, and what it opens. */
export interface Newcomer extends Asker {
  readonly request: AccessRequest
}

/** Finds or opens the session of a request; `undefined` if the client has left. `keep` is called when the question takes over the slot. */
export type Enter = (belonging: Belonging, newcomer: Newcomer, signal: LeaveSignal, slot: Release, keep: () => void) => Promise<Outcome | undefined>

const NO_KEYS: ReadonlyMap<string, string> = new Map()

/** Admits requests that have no session yet. Many of them may wait for the same verdict. */
export const createEntrance = (sessions: Sessions<Viewer>, past: PastSessions, shared: SharedViewers | undefined, openSession: OpenSession): Enter => {
  const openings = createOpenings<Outcome>()

  /** What a request would open: an earlier session that has become idle, or a new one. */
  const toOpen = (belonging: Belonging, request: AccessRequest): Opened => {
    const before = past.find(belonging)
    if (before === undefined) return { request, key: keyOf(request), moreKeys: NO_KEYS }
    const { path, streamPath, protocol, query } = before.request
    return { request: { ...request, path, streamPath, protocol, query }, key: before.key, moreKeys: before.moreKeys }
  }
  /** Opens the session a request asks for: a new one, or one that another server has admitted. */
  const open = async (belonging: Belonging, asked: Opened, asker: Asker, signal: LeaveSignal, slot: Release): Promise<Outcome> => {
    const recalled = shared === undefined ? undefined : await shared.recall(belonging, asked)
    if (recalled === undefined || recalled.key === asked.key) return openSession(recalled ?? asked, asker, signal, slot)
    const { key, moreKeys } = recalled
    const running = sessions.find(key)
    const same = openings.find(key)
    if (running !== undefined || same !== undefined) slot()
    const outcome = running !== undefined
      ? { session: running }
      : await (same ?? openings.begin(key, (abandoned) => openSession(recalled, asker, abandoned, slot))).wait(signal)
    if (outcome === undefined) return { refused: overloaded }
    if ('session' in outcome) sessions.restore(outcome.session, moreKeys)
    return outcome
  }

  const enter: Enter = async (belonging, newcomer, signal, slot, keep) => {
    const session = findBy(belonging, sessions.find)
    if (session !== undefined) return { session }
    if (signal.aborted) return undefined
    if (past.wasJustReplaced(belonging, newcomer.claim)) return { tooSoon: true }
    const asked = toOpen(belonging, newcomer.request)
    const same = openings.find(asked.key)
    if (same !== undefined) return same.wait(signal)
    const shorter = findBy(belonging, openings.find)
    if (shorter !== undefined) {
      const outcome = await shorter.wait(signal)
      // A shorter query may be denied where this one is allowed.
      return outcome === undefined || !('refused' in outcome) ? outcome : enter(belonging, newcomer, signal, slot, keep)
    }
    keep()
    return openings.begin(asked.key, (abandoned) => open(belonging, asked, newcomer, abandoned, slot)).wait(signal)
  }
  return enter
}
