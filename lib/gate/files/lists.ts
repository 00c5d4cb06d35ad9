import type { Settings } from '../../access/settings.js'
import { compilePlaylist, type CompiledPlaylist, type PlaylistPlace } from '../../hls/playlist.js'
import { createPlaylists } from '../../hls/playlists.js'
import type { Session } from '../../hls/session.js'
import { directoryOf } from '../../hls/stream-pattern.js'
import { safely } from '../../safely.js'
import type { Exchange } from '../http/exchange.js'
import { answerPlaylist } from './playlist-response.js'
import type { ReadServedPath } from './served-path.js'
import type { Viewer } from './viewer.js'
import type { Viewers } from './viewers.js'

/** The files that name other files of the same session: HLS playlists and DASH manifests. */
export interface Lists {
  /** Answers a session's request for a playlist or manifest, with the links rewritten for this viewer. */
  answer(exchange: Exchange, kind: 'playlist' | 'manifest', session: Session<Viewer>): void
}

type CompileFor = (source: Buffer, place: PlaylistPlace, ownOrigins: readonly string[]) => CompiledPlaylist

/**
 * @param read - reads a path below the mount
 * @param onFailure - called for a request that failed because of this server
 */
export const createLists = (
  viewers: Viewers, read: ReadServedPath, settings: Pick<Settings['files'], 'maxPlaylistBytes' | 'ownOrigins'>, onFailure: (exchange: Exchange, error: unknown) => void
): Lists => {
  const playlists = createPlaylists()
  const covered = new WeakMap<readonly string[], readonly string[]>()
  /** Loaded with the first manifest, because it needs an XML parser. */
  let compileManifest: CompileFor | undefined
  let loading: Promise<CompileFor> | undefined
  const load = (): Promise<CompileFor> => loading ??= import('../../dash/manifest.js').then((loaded) => compileManifest = loaded.compileManifest)

  /** Directories below the mount that a playlist gives its viewers access to: its own, and those it names. */
  const coveredBy = (path: string, directories: readonly string[]): readonly string[] => {
    const known = covered.get(directories)
    if (known !== undefined) return known
    const all = [...new Set([directoryOf(path), ...directories].flatMap((directory) => read(directory)?.path ?? []))]
    covered.set(directories, all)
    return all
  }
  const answerBy = (compile: CompileFor, exchange: Exchange, noun: 'playlist' | 'manifest', session: Session<Viewer>): void => {
    const place = { origin: exchange.client.origin, path: exchange.rawPath }
    answerPlaylist(exchange.req, exchange.res, {
      noun,
      maxBytes: settings.maxPlaylistBytes,
      query: session.value.query,
      last: playlists.last(place),
      compile: (source, contentType, fileTag) =>
        playlists.of(source, place, { contentType, fileTag }, (text, at) => compile(text, at, settings.ownOrigins)),
      onVersion: ({ path, directories, kind, targetMs }) => {
        if (kind !== 'master') viewers.linger(session, kind === 'recording', targetMs)
        return viewers.cover(session, path, coveredBy(path, directories))
      },
      refuse: (status, reason) => exchange.refuse(status, reason),
      forward: () => exchange.forward()
    })
  }

  return {
    answer(exchange, kind, session) {
      const compile = kind === 'playlist' ? compilePlaylist : compileManifest
      if (compile !== undefined) return answerBy(compile, exchange, kind, session)
      load().then(
        safely(exchange.res, (loaded: CompileFor) => answerBy(loaded, exchange, kind, session)),
        safely(exchange.res, (error: unknown) => onFailure(exchange, error))
      )
    }
  }
}
