import type { LeaveSignal } from '../../access/departure.js'
import { MAX_TEXTS_BYTES } from '../../access/bounds.js'
import type { Claim } from '../../access/place.js'
import type { AccessRequest } from '../../access/request.js'
import type { Settings } from '../../access/settings.js'
import type { Verdict } from '../../access/verdict.js'
import type { Session } from '../../hls/session.js'
import { createSessions } from '../../hls/sessions.js'
import { directoryOf } from '../../hls/stream-pattern.js'
import { trace } from '../../trace.js'
import type { Host, HttpResponse, ViewerOwner, ViewerSession } from '../../nms/host.js'
import type { Door } from '../door/door.js'
import type { Release } from '../door/slots.js'
import { findBy, keyOf, type Belonging } from './belonging.js'
import { createEntrance, type Newcomer } from './entrance.js'
import { createViewerTexts } from './kept-texts.js'
import { createOpening, GONE_MS, type Outcome } from './opening.js'
import { createPastSessions } from './past-sessions.js'
import { serve } from './serving.js'
import { createSharedViewers, type SharedMemory } from './shared-viewers.js'
import { account, type Viewer } from './viewer.js'

const debug = trace('hls')

/** The viewers of files: each has one session, one question and one verdict for all its requests. */
export interface Viewers {
  /** The session that a request belongs to. */
  find(belonging: Belonging): Session<Viewer> | undefined
  /**
   * Waits for the verdict on the session of a request, and opens the session if there is none. `slot` releases the
   * place among held requests, which is kept until the backend has answered. Resolves with `undefined` if the client
   * has left.
   */
  admit(belonging: Belonging, newcomer: Newcomer, signal: LeaveSignal, slot: Release): Promise<Outcome | undefined>
  /** Accounts for a response to a session's request, and keeps the session alive meanwhile. False if too many responses are under way. */
  serve(session: Session<Viewer>, res: HttpResponse): boolean
  /**
   * Sets the directories that the session's current playlist names; pass the same array for the same version. Wait for
   * the returned promise before sending the playlist.
   */
  cover(session: Session<Viewer>, playlist: string, directories: readonly string[]): Promise<unknown> | undefined
  /**
   * Sets whether a session plays a recording, whose viewer may pause for longer.
   * @param targetMs - maximum segment length; 0 if unknown
   */
  linger(session: Session<Viewer>, long: boolean, targetMs: number): void
  /** Takes a place within the user's limit if the session has none; returns a denial if no place is free. */
  take(session: Session<Viewer>, claim: Claim): Verdict | undefined
  /** Ends all sessions; running responses continue. */
  close(): void
  readonly size: number
}

export interface ViewersOptions {
  readonly door: Door
  readonly host: Host
  /** Read at each use, because a reload may change them. */
  readonly limits: Pick<Settings, 'hlsIdleMs' | 'maxSessions' | 'maxSessionsPerIp'> & { readonly files: Pick<Settings['files'], 'vodIdleMs'> }
  /** Whether an earlier allow of such a request still holds. */
  readonly remembers: (request: AccessRequest) => boolean
  /** Whether such a request is temporarily barred because its session was closed. */
  readonly isBarred: (request: AccessRequest) => boolean
  /** What other servers remember, if `store` is set. */
  readonly shared?: SharedMemory | undefined
  /** Limit in bytes for all texts that sessions keep. */
  readonly maxTextsBytes?: number
}

export const createViewers = (options: ViewersOptions): Viewers => {
  const { door, host, remembers, isBarred, limits } = options
  const texts = createViewerTexts(options.maxTextsBytes ?? MAX_TEXTS_BYTES)
  const past = createPastSessions(remembers, isBarred)
  const shared = options.shared && createSharedViewers(options.shared, remembers)
  const sessions = createSessions<Viewer>({
    get maxSessions() { return limits.maxSessions },
    get maxSessionsPerIp() { return limits.maxSessionsPerIp },
    get idleMs() { return limits.hlsIdleMs },
    get vodIdleMs() { return limits.files.vodIdleMs },
    onIdle(session) {
      account(session.value)
      session.value.nms.end('idle')
      past.addIdle(session)
      texts.free(session.value.texts)
    }
  })
  const sessionOf = (nms: ViewerSession): Session<Viewer> | undefined => {
    const session = sessions.find(keyOf(nms.request))
    return session?.value.nms === nms ? session : undefined
  }
  const owner: ViewerOwner = {
    /** Called when the admin API, `notify.url` or a `prePlay` listener ends a session. */
    closed(nms) {
      debug('session %s was closed', nms.id)
      const session = sessionOf(nms)
      if (session === undefined) return
      account(session.value)
      past.addClosed(session)
      sessions.remove(session)
      texts.free(session.value.texts)
      for (const transfer of session.value.transfers ?? []) transfer.cut()
    },
    quietMs: (nms) => { const session = sessionOf(nms); return session === undefined ? Infinity : sessions.quietMs(session) },
    goneAfterMs: (nms) => sessionOf(nms)?.value.goneAfterMs ?? 0
  }
  const enter = createEntrance(sessions, past, shared, createOpening({ door, host, owner, sessions, texts, past, shared, limits }))

  return {
    find: (belonging) => findBy(belonging, sessions.find),
    async admit(belonging, newcomer, signal, slot) {
      let kept = false
      try {
        return await enter(belonging, newcomer, signal, slot, () => { kept = true })
      } finally {
        if (!kept) slot()
      }
    },
    take: ({ value }, claim) => claim === 'none' ? undefined : value.place.take(claim === 'any'),
    serve: (session, res) => serve(sessions, session, res),
    cover(session, playlist, directories) {
      const { request } = session.value.nms
      if (session.moreKeys.size === 0 && directories.length === 1 && directories[0] === directoryOf(request.path)) return undefined
      const before = shared && new Set(session.moreKeys.keys())
      sessions.cover(session, playlist, directories, (directory) => keyOf({ ...request, path: directory }))
      return before && shared.tell(request, [...session.moreKeys.keys()].filter((key) => !before.has(key)))
    },
    linger(session, long, targetMs) {
      session.value.goneAfterMs = long ? limits.files.vodIdleMs : targetMs > 0 ? 3 * targetMs : GONE_MS
      sessions.linger(session, long)
    },
    close: () => sessions.close(),
    get size() { return sessions.size }
  }
}
