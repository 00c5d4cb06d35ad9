import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { BackendSettings } from '../access/settings.js'
import { DEFAULTS } from './defaults.js'
import type { TlsOptions } from './options.js'

type Report = (path: string, problem: string) => void

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'

/**
 * Reads the files of a `tls` section and checks that their contents are usable. Its messages never
 * quote what was given, which may be a key.
 * @param path of the section, for messages
 * @param baseDir base of relative file names
 */
export const readTls = (tls: TlsOptions, path: string, baseDir: string, report: Report): BackendSettings['tls'] => {
  const texts: { ca?: string, cert?: string, key?: string } = {}
  for (const name of ['ca', 'cert', 'key'] as const) {
    const given = tls[name]
    if (given === undefined) continue
    try {
      texts[name] = given.includes('-----BEGIN') ? given : readFileSync(resolvePath(baseDir, given), 'utf8')
    } catch (error) {
      report(`${path}.${name}`, `must be PEM text or a file that can be read (${codeOf(error)})`)
    }
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) report(path, 'needs cert and key together, or neither')
  for (const name of ['ca', 'cert'] as const) {
    try {
      if (texts[name] !== undefined) new X509Certificate(texts[name])
    } catch (error) {
      report(`${path}.${name}`, `holds no certificate in PEM (${codeOf(error)})`)
      return { rejectUnauthorized: false }
    }
  }
  try {
    if (texts.cert !== undefined && texts.key !== undefined) createSecureContext({ cert: texts.cert, key: texts.key })
  } catch (error) {
    report(`${path}.key`, `is no key of the certificate (${codeOf(error)})`)
  }
  return { ...texts, rejectUnauthorized: tls.rejectUnauthorized ?? DEFAULTS.tls.rejectUnauthorized }
}
