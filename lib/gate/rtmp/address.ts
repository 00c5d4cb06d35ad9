import { MAX_PATH_BYTES, MAX_QUERY_BYTES } from '../../access/bounds.js'

/** What `connect` and `play` or `publish` say about a stream, as the client wrote it. */
export interface StreamUrl {
  readonly app: string
  readonly name: string
  readonly tcUrl: string
}

/** The stream of a URL. */
export interface StreamAddress {
  readonly app: string
  readonly name: string
  /** Without the `?`. */
  readonly query: string
  /** Why it is malformed; `app` and `name` are what was parsed so far. */
  readonly malformed?: string
}

/** Prefixes that some encoders add for the container a Flash server would read. */
const CONTAINER = /^(?:flv|mp4):/
/** The instance Flash servers use if none is named. */
const DEFAULT_INSTANCE = /\/_definst_\/?$/

const cutAtMark = (text: string): [before: string, after: string] => {
  const mark = text.indexOf('?')
  return mark < 0 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)]
}

const joined = (...queries: string[]): string => queries.filter((query) => query !== '').join('&')

/** The pairs of one query that another lacks. */
const without = (query: string, other: string): string => {
  const there = new Set(other.split('&'))
  return query.split('&').filter((pair) => !there.has(pair)).join('&')
}

/**
 * Finds the stream and its query in what encoders and players make of a URL. They have one field or two, write the
 * token into either, and split a whole URL at its last slash, which may be one in the token. An app of one segment ends
 * where its query begins, and the name is the stream; an app of two segments already contains the stream's name, and
 * what was split off as the name belongs to the query.
 *
 * @param isName - whether this is a valid name of an app or stream
 */
export const streamAddress = ({ app, name, tcUrl }: StreamUrl, isName: (text: string) => boolean): StreamAddress => {
  const [appPath, appQuery] = cutAtMark(app)
  const bare = appPath.replace(DEFAULT_INSTANCE, '').replace(/\/$/, '')
  const tcQuery = appQuery === '' ? cutAtMark(tcUrl)[1] : ''
  if (bare.includes('/')) {
    const [path, query] = cutAtMark(`${app}/${name}`)
    const [first = '', second = '', ...more] = path.replace(/\/{1,2}$/, '').split('/')
    const own = joined(without(tcQuery, query), query)
    return more.length > 0
      ? { app: first, name: [second, ...more].join('/'), query: own, malformed: 'a stream is /app/name; this one has more segments' }
      : checked(first, second, own, isName)
  }
  const [namePath, nameQuery] = cutAtMark(name)
  const query = joined(appQuery, without(tcQuery, nameQuery), nameQuery)
  if (/^[a-z]+:\/\//i.test(namePath)) return { app: bare, name: namePath, query, malformed: 'the stream name is a whole URL; only its last part is the name' }
  return checked(bare, namePath.replace(/^\//, '').replace(CONTAINER, ''), query, isName)
}

const checked = (app: string, name: string, query: string, isName: (text: string) => boolean): StreamAddress => {
  const address = { app, name, query }
  const malformed = Buffer.byteLength(query) > MAX_QUERY_BYTES ? 'query too long'
    : Buffer.byteLength(app) + Buffer.byteLength(name) + 2 > MAX_PATH_BYTES ? 'path too long'
      : mistakeIn('app', app, isName) ?? mistakeIn('stream name', name, isName)
  return malformed === undefined ? address : { ...address, malformed }
}

const mistakeIn = (what: string, text: string, isName: (text: string) => boolean): string | undefined => {
  if (text === '') return `the ${what} is missing`
  if (isName(text)) return undefined
  const wrong = [...new Set(text)].filter((character) => !isName(character)).slice(0, 8).map(shown)
  return `the ${what} has ${wrong.join(' ')}; node-media-server takes letters, digits, _ and - only`
}

const shown = (character: string): string =>
  /^[\x21-\x7e]$/.test(character) ? `"${character}"` : `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
