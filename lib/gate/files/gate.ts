import type { Networks } from '../../access/address.js'
import type { Claim } from '../../access/place.js'
import { marksOf } from '../../access/identity.js'
import type { Settings } from '../../access/settings.js'
import { deny, type Verdict } from '../../access/verdict.js'
import { viewerQuery } from '../../access/hls-query.js'
import { identityFor } from '../../hls/identity.js'
import type { Session } from '../../hls/session.js'
import { compileStreamPattern, directoryOf } from '../../hls/stream-pattern.js'
import type { Host } from '../../nms/host.js'
import { overloaded, type Door } from '../door/door.js'
import type { Belonging } from './belonging.js'
import { MALFORMED_FILE } from './exact-spelling.js'
import type { Folders, Found } from './folders.js'
import { inTurn } from './in-turn.js'
import type { Exchange } from '../http/exchange.js'
import { createFileKind, FAMILIES, type FileKind } from './kind.js'
import { createLists } from './lists.js'
import { fileRequest } from './request.js'
import { headerText } from '../http/header-text.js'
import { createRecentSessions, type Recent, type RecentSessions } from './recent.js'
import { clientReason } from '../door/refusal.js'
import { readServedPath, type ReadServedPath, type ServedPath } from './served-path.js'
import type { Viewer } from './viewer.js'
import type { Viewers } from './viewers.js'

/** The gate for HLS, DASH and other files below the static route. */
export interface FilesGate {
  /** What a raw path names below the static route; see `ReadServedPath`. */
  readonly read: ReadServedPath
  /** Where the file is now; `undefined` if too many requests are waiting for the disk. */
  find(served: ServedPath): Promise<Found | undefined>
  /** Whether public pages share the paths of media. */
  readonly shared: boolean
  isOpen(served: ServedPath): boolean
  /** Checks a GET or HEAD request with the door and serves it. Open files do not come here. */
  serve(exchange: Exchange, served: ServedPath): void
  /**
   * The session of a request that needs no full parse, from the last request on its connection; the request is then
   * served with `again`.
   */
  readonly recall: RecentSessions['find']
  again(exchange: Exchange, recent: Recent): void
  /** Refuses a request that spells a file differently from the path that is checked. */
  refuseMalformed(exchange: Exchange): void
  /** Refuses a method for which Express serves no file. */
  refuseMethod(exchange: Exchange): void
}

/**
 * How a request affects its user's limit. A segment may be a late request for a stream that the viewer has left, so it
 * replaces no other session; HEAD is served no content.
 */
const claimOf = (method: string | undefined, kind: FileKind): Claim => method === 'HEAD' ? 'none' : kind === 'segment' ? 'free' : 'any'

/** Most requests that may wait for a look at the disk. */
const MAX_LOOKING = 1000

/** The verdict on a further request of a viewer who does not read what was already sent. */
const unread = deny('overload', 'too many answers are waiting to be read')

export const createFilesGate = (
  door: Door, host: Host, viewers: Viewers, folders: Folders, trusted: Networks, settings: Settings['files']
): FilesGate => {
  const read = readServedPath(folders.media.router)
  const kindOf = createFileKind(settings.open)
  const streamPathOf = compileStreamPattern(settings.stream)
  const find = inTurn((served: ServedPath) => folders.find(served), MAX_LOOKING)
  const recent = createRecentSessions(trusted)
  const refuse = (exchange: Exchange, verdict: Verdict): void => exchange.refuseBy(verdict)
  const onFailure = (exchange: Exchange, error: unknown): void => {
    door.onBug(error)
    refuse(exchange, overloaded)
  }
  const lists = createLists(viewers, read, settings, onFailure)

  /** Reports a malformed file request. */
  const malformed = (exchange: Exchange, reason: string): Verdict => {
    const request = fileRequest({ protocol: 'file', path: headerText(exchange.rawPath), query: exchange.query, streamPath: '' }, exchange.client, host.newSessionId())
    return door.refuse(request, deny('malformed', reason))
  }
  const refuseMalformed = (exchange: Exchange): void => refuse(exchange, malformed(exchange, MALFORMED_FILE))
  const admit = async (exchange: Exchange, { path, file }: ServedPath, kind: Exclude<FileKind, 'open'>, belonging: Belonging): Promise<void> => {
    const { client, query, signal } = exchange
    const request = fileRequest({ protocol: FAMILIES[kind].opens, path, query, streamPath: streamPathOf(file, path), identity: identityFor(settings.identity, belonging.identity.query) }, client, host.newSessionId())
    const slot = door.hold(client.ip)
    if (slot === undefined) return refuse(exchange, door.refuse(request, overloaded))
    const outcome = await viewers.admit(belonging, { request, address: client.address, claim: claimOf(exchange.req.method, kind) }, signal, slot)
    if (outcome === undefined || signal.aborted) return
    if ('refused' in outcome) refuse(exchange, outcome.refused)
    else if ('tooSoon' in outcome) exchange.refuse(503, 'another stream was opened, try again in a second', undefined, 1)
    else deliver(exchange, kind, outcome.session)
  }

  const deliver = (exchange: Exchange, kind: FileKind, session: Session<Viewer>): void => {
    const { req, res } = exchange
    const refusal = viewers.take(session, claimOf(req.method, kind))
    if (refusal !== undefined) return refuse(exchange, door.refuse(session.value.nms.request, refusal))
    if (!viewers.serve(session, res)) return refuse(exchange, door.refuse(session.value.nms.request, unread))
    exchange.allowOrigin()
    host.admitFile(req)
    if (kind === 'playlist' || kind === 'manifest') lists.answer(exchange, kind, session)
    else exchange.forward()
  }

  return {
    read,
    find,
    shared: folders.shared,
    isOpen: ({ file }) => kindOf(file) === 'open',
    serve(exchange, served) {
      const kind = kindOf(served.file)
      if (kind === 'open') {
        host.admitFile(exchange.req)
        return exchange.forward()
      }
      const { client } = exchange
      const query = viewerQuery(headerText(exchange.query))
      const belonging: Belonging = {
        families: FAMILIES[kind].holders,
        directory: directoryOf(served.path),
        identity: { ...marksOf({ ...client, identity: identityFor(settings.identity, query) }), query }
      }
      const session = viewers.find(belonging)
      if (session !== undefined) {
        if (kind === 'playlist' || kind === 'manifest' || kind === 'segment') recent.note(exchange, session)
        return deliver(exchange, kind, session)
      }
      admit(exchange, served, kind, belonging).catch((error: unknown) => onFailure(exchange, error))
    },
    recall: recent.find,
    again: (exchange, { session }) => deliver(exchange, kindOf(exchange.rawPath), session),
    refuseMalformed,
    refuseMethod: (exchange) => exchange.refuse(405, clientReason(malformed(exchange, 'GET and HEAD only')), 'GET, HEAD, OPTIONS')
  }
}

