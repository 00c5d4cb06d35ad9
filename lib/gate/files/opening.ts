import type { LeaveSignal } from '../../access/departure.js'
import type { Claim } from '../../access/place.js'
import type { Settings } from '../../access/settings.js'
import { deny, type Verdict } from '../../access/verdict.js'
import type { Session } from '../../hls/session.js'
import type { Sessions } from '../../hls/sessions.js'
import type { Host, ViewerOwner } from '../../nms/host.js'
import { trace } from '../../trace.js'
import { overloaded, type Door } from '../door/door.js'
import type { Release } from '../door/slots.js'
import type { ViewerTexts } from './kept-texts.js'
import type { Opened, PastSessions } from './past-sessions.js'
import type { SharedViewers } from './shared-viewers.js'
import type { Viewer } from './viewer.js'

const debug = trace('hls')

/** After how long without a request a viewer of a live stream counts as gone if no playlist states the segment length, in milliseconds. */
export const GONE_MS = 10_000

/** The result for a request that had to wait. */
export type Outcome =
  | { readonly session: Session<Viewer> }
  | { readonly refused: Verdict }
  /** Its session was just replaced by another: the next requests may be late ones of the old session. */
  | { readonly tooSoon: true }

/** The client that wants a session opened. */
export interface Asker {
  /** `address:port` */
  readonly address: string
  readonly claim: Claim
}

export interface OpeningParts {
  readonly door: Door
  readonly host: Host
  readonly owner: ViewerOwner
  readonly sessions: Sessions<Viewer>
  readonly texts: ViewerTexts
  readonly past: PastSessions
  readonly shared: SharedViewers | undefined
  readonly limits: { readonly files: Pick<Settings['files'], 'vodIdleMs'> }
}

/** Asks for a session and opens it. Rejects only with an error thrown by a listener of NMS's events. */
export type OpenSession = (opened: Opened, asker: Asker, signal: LeaveSignal, slot: Release) => Promise<Outcome>

export const createOpening = ({ door, host, owner, sessions, texts, past, shared, limits }: OpeningParts): OpenSession => async (opened, { address, claim }, signal, slot) => {
  const { request, key, moreKeys } = opened
  const place = sessions.reserve(request.ip)
  const kept = place && texts.take(request, address)
  if (place === undefined || kept === undefined) {
    place?.free()
    slot()
    return { refused: door.refuse(request, deny('overload', place === undefined ? 'too many viewers' : 'the URLs and user agents of all viewers take too much memory')) }
  }
  let isOpen = false
  try {
    const decision = await door.admit({ asked: request }, signal, slot, claim)
    past.forget(opened)
    // Nobody waits for it any more.
    if (decision === undefined) return { refused: overloaded }
    if ('refused' in decision) return decision
    const { address: ownAddress, ownQuery, ...own } = kept
    const nms = host.openViewer({ ...decision.admission, request: { ...request, ...own } }, ownAddress, owner)
    if (nms.ended) return { refused: deny('rule', 'closed by the server') }
    const session = place.open(key, {
      nms, query: ownQuery, transfers: undefined, texts: kept, place: decision.admission.place, served: false,
      goneAfterMs: request.protocol === 'file' ? limits.files.vodIdleMs : GONE_MS
    }, moreKeys)
    isOpen = true
    sessions.linger(session, request.protocol === 'file')
    await shared?.tell(nms.request, [key, ...moreKeys.keys()])
    debug('session %s of %s', request.sessionId, request.streamPath)
    return { session }
  } finally {
    place.free()
    if (!isOpen) texts.free(kept)
  }
}
