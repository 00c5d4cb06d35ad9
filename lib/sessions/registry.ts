import type { EndReason, Place } from '../access/place.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import { Session, type Register } from './session.js'
import type { SessionRecord } from './record.js'

/** Whoever wants to know of begins and ends. What it throws reaches the host: a watcher that may fail is wrapped before. */
export interface SessionWatcher {
  begin?(session: Session): void
  /** Each session that began ends once; `endReason` says how. */
  end?(session: Session): void
  /** NMS or the client gave up before the begin, so that nobody hears of a session although there was an allow. */
  released?(session: Session, reason: EndReason): void
}

/** Which sessions are meant. */
export type Selector = { readonly id: string } | { readonly user: string }

/** Every client that was let in and is still there, of every protocol. There is no second list. */
export interface Registry {
  /** For the door alone: what a client that is let in has here. */
  reserve(request: AccessRequest, verdict: Verdict): Place
  /** Those that run, the oldest first. */
  [Symbol.iterator](): Iterator<Session>
  list(): SessionRecord[]
  /** Ends those that are meant; how many there were. @param message - what their viewers are told */
  end(which: Selector, reason: EndReason, message?: string): number
  /** Every session is over for us; their streams are not touched. */
  close(reason: 'detached' | 'stopped'): void
  /** @returns a function that takes it off */
  watch(watcher: SessionWatcher): () => void
  readonly size: number
}

export const createRegistry = (): Registry => {
  const running = new Map<string, Session>()
  let watchers: readonly SessionWatcher[] = []
  let ordinal = 0
  let closed: 'detached' | 'stopped' | undefined

  /** NMS's id; one connection of NMS may have a second session under the same. */
  const keyOf = (session: Session): string => {
    const { sessionId } = session.request
    const holder = running.get(sessionId)
    return holder === undefined || holder === session ? sessionId : `${sessionId} ${session.ordinal}`
  }
  const register: Register = {
    began(session) {
      running.set(keyOf(session), session)
      for (const watcher of watchers) watcher.begin?.(session)
      if (closed !== undefined) session.end(closed)
    },
    ended(session) {
      const { sessionId } = session.request
      running.delete(running.get(sessionId) === session ? sessionId : `${sessionId} ${session.ordinal}`)
      for (const watcher of watchers) watcher.end?.(session)
    },
    released(session, reason) {
      for (const watcher of watchers) watcher.released?.(session, reason)
    }
  }
  const meant = (which: Selector): Session[] =>
    [...running.values()].filter((session) => 'id' in which ? session.request.sessionId === which.id : session.user === which.user)

  return {
    reserve: (request, verdict) => new Session(ordinal++, register, request, verdict),
    [Symbol.iterator]: () => running.values(),
    list: () => Array.from(running.values(), (session) => session.record()),
    end(which, reason, message) {
      const sessions = meant(which)
      for (const session of sessions) session.close(reason, message)
      return sessions.length
    },
    close(reason) {
      closed = reason
      for (const session of running.values()) session.end(reason)
    },
    watch(watcher) {
      watchers = [...watchers, watcher]
      return () => { watchers = watchers.filter((other) => other !== watcher) }
    },
    get size() { return running.size }
  }
}
