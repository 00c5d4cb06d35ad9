import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BackendSettings } from '../access/settings.js'

/** A GET request as it is sent; in header values one character stands for one byte. */
export interface CurlRequest {
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly timeoutMs: number
  readonly tls: BackendSettings['tls']
  /** Replaces each PEM text on the command line. */
  readonly pemFiles: Readonly<Record<'ca' | 'cert' | 'key', string>>
}

/**
 * One word of a shell command line for exactly this text. Characters that could hide or reorder text on a terminal are
 * written as bytes (`$'…'`), which all but the plainest shells understand.
 */
export const shellWord = (word: string | Buffer): string => {
  const bytes = Buffer.from(word)
  const text = bytes.toString('utf8')
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  const plain = isUtf8(bytes) && !/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/.test(text)
  if (plain) return `'${text.replaceAll("'", "'\\''")}'`
  const escaped = [...bytes].map((byte) => byte < 0x20 || byte > 0x7e || byte === 0x27 || byte === 0x5c
    ? `\\x${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte))
  return `$'${escaped.join('')}'`
}

/** A curl command that sends the same request: the same bytes in the path, the same headers and no others. */
export const curlLine = ({ url, headers, timeoutMs, tls, pemFiles }: CurlRequest): string => {
  const own = headers.map(([name]) => name.toLowerCase())
  const without = ['User-Agent', 'Accept'].filter((name) => !own.includes(name.toLowerCase()))
  const sent = [...headers.map(([name, value]) => value === '' ? `${name};` : `${name}: ${value}`), ...without.map((name) => `${name}:`)]
  return [
    'curl', '-sS', '-i', '--http1.1', '--globoff', '--path-as-is', '--noproxy', '*', '--max-time', String(timeoutMs / 1000),
    ...(tls.rejectUnauthorized ? [] : ['--insecure']),
    ...(tls.ca === undefined ? [] : ['--cacert', pemFiles.ca]),
    ...(tls.cert === undefined ? [] : ['--cert', pemFiles.cert, '--key', pemFiles.key]),
    ...sent.flatMap((header) => ['-H', Buffer.from(header, 'latin1')]),
    url
  ].map(shellWord).join(' ')
}

/**
 * The file that each PEM text came from, or a name to save it under.
 * @param given - every `tls` section of the config
 */
export const pemFilesOf = (tls: BackendSettings['tls'], given: readonly unknown[], baseDir: string): CurlRequest['pemFiles'] => {
  const fileOf = (name: 'ca' | 'cert' | 'key'): string => {
    for (const section of given) {
      const file = (section as Partial<Record<string, unknown>> | undefined)?.[name]
      if (typeof file !== 'string' || file.includes('-----BEGIN')) continue
      try {
        if (readFileSync(resolve(baseDir, file), 'utf8') === tls[name]) return resolve(baseDir, file)
      } catch { /* it belongs to another section */ }
    }
    return `${name}.pem`
  }
  return { ca: fileOf('ca'), cert: fileOf('cert'), key: fileOf('key') }
}
