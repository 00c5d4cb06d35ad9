import { readFileSync } from 'node:fs'
import { dirname, resolve as resolvePath } from 'node:path'
import type { Settings } from '../access/settings.js'
import { HttpAuthError } from '../errors.js'
import { resolve } from './resolve.js'
import { howToWriteSection } from './section.js'
import { jsonPlace } from './json-place.js'

/** A config file of node-media-server with a section `httpAuth` that can be used. */
export interface Config {
  /** Absolute. */
  readonly file: string
  /** All sections of the file. */
  readonly sections: Readonly<Record<string, unknown>>
  /** `false` if the server is open on purpose. */
  readonly settings: Settings | false
}

/**
 * Reads a config file as the plugin would; changes nothing.
 * @throws HttpAuthError `ERR_OPTIONS` if the file cannot be read, is not JSON or has mistakes in the section,
 * `ERR_NO_SECTION` if the section is missing. No message quotes anything that may be a secret.
 */
export const readConfig = (name: string): Config => {
  const file = resolvePath(name)
  const sections = parse(file, read(file))
  if (!Object.hasOwn(sections, 'httpAuth')) {
    throw new HttpAuthError('ERR_NO_SECTION', `${file} has no section "httpAuth"; ${howToWriteSection(Object.keys(sections))}`)
  }
  const section = sections['httpAuth']
  if (section === false) return { file, sections, settings: false }
  try {
    return { file, sections, settings: resolve(section, dirname(file)) }
  } catch (error) {
    if (!(error instanceof HttpAuthError)) throw error
    throw new HttpAuthError(error.code, `${file}: ${error.message}`, { cause: error })
  }
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : code === 'EACCES' ? 'this user may not read it' : code
    throw new HttpAuthError('ERR_OPTIONS', `cannot read ${file}: ${why}`, { cause })
  }
}

/** Where the text stops being JSON, and why; comments are the most common mistake. */
const mistakeIn = (text: string): string | undefined => {
  if (text.startsWith('\ufeff')) return 'it begins with a byte order mark'
  const place = jsonPlace(text)
  if (place === undefined) return undefined
  const rest = text.split('\n')[place.line - 1]?.slice(place.column - 1) ?? ''
  const what = /^(?:\/[/*]|#)/.test(rest) ? 'a comment, which node-media-server does not take' : `expected ${place.expected}`
  return `line ${place.line}, column ${place.column}: ${what}`
}

/** Starts with `name:` or `---`, after any comments. JSON without its outer braces has quotes there. */
const looksLikeYaml = (text: string): boolean =>
  text.split('\n').some((line) => /^(?:---|[\w-]+:(?:\s|$))/.test(line.trimStart())) && !/^\s*["[{]/.test(text)

const parse = (file: string, text: string): Record<string, unknown> => {
  const mistake = mistakeIn(text)
  if (mistake !== undefined && looksLikeYaml(text)) {
    throw new HttpAuthError('ERR_OPTIONS', `${file} looks like YAML; node-media-server reads JSON: { "rtmp": { "port": 1935 }, "httpAuth": { "url": "…" } }`)
  }
  if (mistake !== undefined) {
    throw new HttpAuthError('ERR_OPTIONS', `${file} is not JSON: ${mistake}`)
  }
  const value: unknown = JSON.parse(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new HttpAuthError('ERR_OPTIONS', `${file} holds no object`)
}
