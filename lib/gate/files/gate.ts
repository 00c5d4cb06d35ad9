import type { Networks } from '../../access/address.js'
import type { Claim } from '../../access/place.js'
import { marksOf } from '../../access/identity.js'
import type { Settings } from '../../access/settings.js'
import { deny, type Verdict } from '../../access/verdict.js'
import { identityFor, viewerQuery } from '../../hls/identity.js'
import { compilePlaylist } from '../../hls/playlist.js'
import { createPlaylists } from '../../hls/playlists.js'
import type { Session } from '../../hls/sessions.js'
import { compileStreamPattern, directoryOf } from '../../hls/stream-pattern.js'
import type { Host } from '../../nms/host.js'
import { overloaded, type Door } from '../door/door.js'
import { MALFORMED_FILE } from './exact-spelling.js'
import type { Folders, Found } from './folders.js'
import { inTurn } from './in-turn.js'
import type { Exchange } from '../http/exchange.js'
import { createFileKind, FAMILIES, type FileKind } from './kind.js'
import { fileRequest } from './request.js'
import { headerText } from '../http/header-text.js'
import { answerPlaylist } from './playlist-response.js'
import { createRecentSessions, type Recent, type RecentSessions } from './recent.js'
import { clientReason } from '../door/refusal.js'
import { readServedPath, type ReadServedPath, type ServedPath } from './served-path.js'
import type { Belonging, Viewer, Viewers } from './viewers.js'

/** The door for HLS and other files below the static route. */
export interface FilesGate {
  /** What a raw path names below the static route; see `ReadServedPath`. */
  readonly read: ReadServedPath
  /** Where there is such a file now; `undefined` if too many ask. */
  find(served: ServedPath): Promise<Found | undefined>
  /** Whether pages for everybody share the paths of media. */
  readonly shared: boolean
  isOpen(served: ServedPath): boolean
  /** Takes a GET or HEAD request for a file that is not open through the door. */
  serve(exchange: Exchange, served: ServedPath): void
  /** Whose session a request goes on that need not be looked at closely; it is then served `again`. */
  readonly recall: RecentSessions['find']
  again(exchange: Exchange, recent: Recent): void
  /** Refuses a request that names a file by another spelling than the one that is checked. */
  refuseMalformed(exchange: Exchange): void
  /** Refuses a request by a method for which Express serves no file. */
  refuseMethod(exchange: Exchange): void
}

/**
 * What a request does with its user's limit. A segment may be a late one of a stream that the viewer has left,
 * so nobody goes for it; HEAD is served nothing.
 */
const claimOf = (method: string | undefined, kind: FileKind): Claim => method === 'HEAD' ? 'none' : kind === 'segment' ? 'free' : 'any'

/** Requests that may wait for a look at the disk. */
const MAX_LOOKING = 1000

/** The verdict on one more request of a viewer who does not read what was sent. */
const unread = deny('overload', 'too many answers are waiting to be read')

export const createFilesGate = (
  door: Door, host: Host, viewers: Viewers, folders: Folders, trusted: Networks, settings: Settings['files']
): FilesGate => {
  const read = readServedPath(folders.media.router)
  const kindOf = createFileKind(settings.open)
  const streamPathOf = compileStreamPattern(settings.stream)
  const find = inTurn((served: ServedPath) => folders.find(served), MAX_LOOKING)
  const playlists = createPlaylists((source, place) => compilePlaylist(source, place, settings.ownOrigins))
  const recent = createRecentSessions(trusted)
  const covered = new WeakMap<readonly string[], readonly string[]>()

  const refuse = (exchange: Exchange, verdict: Verdict): void => exchange.refuseBy(verdict)

  /** Reports as malformed what is no request for a file. */
  const malformed = (exchange: Exchange, reason: string): Verdict => {
    const request = fileRequest({ protocol: 'file', path: headerText(exchange.rawPath), query: exchange.query, streamPath: '' }, exchange.client, host.newSessionId())
    return door.refuse(request, deny('malformed', reason))
  }
  const refuseMalformed = (exchange: Exchange): void => refuse(exchange, malformed(exchange, MALFORMED_FILE))
  const admit = async (exchange: Exchange, { path, file }: ServedPath, kind: Exclude<FileKind, 'open'>, belonging: Belonging): Promise<void> => {
    const { client, query, signal } = exchange
    const protocol = belonging.families.at(-1) ?? 'file'
    const request = fileRequest({ protocol, path, query, streamPath: streamPathOf(file, path), identity: identityFor(settings.identity, belonging.identity.query) }, client, host.newSessionId())
    const slot = door.hold(client.ip)
    if (slot === undefined) return refuse(exchange, door.refuse(request, overloaded))
    const outcome = await viewers.admit(belonging, { request, address: client.address, claim: claimOf(exchange.req.method, kind) }, signal, slot)
    if (outcome === undefined || signal.aborted) return
    if ('refused' in outcome) refuse(exchange, outcome.refused)
    else if ('tooSoon' in outcome) exchange.refuse(503, 'another stream was opened, try again in a second', undefined, 1)
    else deliver(exchange, kind, outcome.session)
  }

  /** Directories below the mount that a playlist lets its viewers into: its own, and those that it names. */
  const coveredBy = (path: string, directories: readonly string[]): readonly string[] => {
    const known = covered.get(directories)
    if (known !== undefined) return known
    const all = [...new Set([directoryOf(path), ...directories].flatMap((directory) => read(directory)?.path ?? []))]
    covered.set(directories, all)
    return all
  }
  const deliver = (exchange: Exchange, kind: FileKind, session: Session<Viewer>): void => {
    const { req, res } = exchange
    const refusal = viewers.take(session, claimOf(req.method, kind))
    if (refusal !== undefined) return refuse(exchange, door.refuse(session.value.nms.request, refusal))
    if (!viewers.serve(session, res)) return refuse(exchange, door.refuse(session.value.nms.request, unread))
    exchange.allowOrigin()
    host.admitFile(req)
    if (kind !== 'playlist') return exchange.forward()
    const place = { origin: exchange.client.origin, path: exchange.rawPath }
    answerPlaylist(req, res, {
      maxBytes: settings.maxPlaylistBytes,
      query: session.value.query,
      last: playlists.last(place),
      compile: (source, contentType, fileTag) => playlists.of(source, place, { contentType, fileTag }),
      onVersion: ({ path, directories, kind: playlist, targetMs }) => {
        if (playlist !== 'master') viewers.linger(session, playlist === 'recording', targetMs)
        return viewers.cover(session, path, coveredBy(path, directories))
      },
      refuse: (status, reason) => exchange.refuse(status, reason),
      forward: () => exchange.forward()
    })
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
        families: FAMILIES[kind],
        directory: directoryOf(served.path),
        identity: { ...marksOf({ ...client, identity: identityFor(settings.identity, query) }), query },
        query: headerText(exchange.query)
      }
      const session = viewers.find(belonging)
      if (session !== undefined) {
        if (kind === 'playlist' || kind === 'segment') recent.note(exchange, session)
        return deliver(exchange, kind, session)
      }
      admit(exchange, served, kind, belonging).catch((error: unknown) => {
        door.onBug(error)
        refuse(exchange, overloaded)
      })
    },
    recall: recent.find,
    again: (exchange, { session }) => deliver(exchange, kindOf(exchange.rawPath), session),
    refuseMalformed,
    refuseMethod: (exchange) => exchange.refuse(405, clientReason(malformed(exchange, 'GET and HEAD only')), 'GET, HEAD, OPTIONS')
  }
}

