import debug from 'debug'

/** The namespaces below `nms-http-auth` that show a session's whole way with `DEBUG=nms-http-auth:*`. */
export type Namespace = 'gate' | 'backend' | 'policy' | 'nms' | 'hls'

/** Makes the debug function of one room. What it is given must have been masked. */
export const trace = (namespace: Namespace): debug.Debugger => debug(`nms-http-auth:${namespace}`)

/** Printable text: control characters and what could reorder or hide a line become `\x1b`-like escapes. */
export const printable = (text: string, max = 512): string => {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text
  return cut.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\\]/g,
    (c) => c === '\\' ? '\\\\' : c.charCodeAt(0) < 0x100
      ? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`
      : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}

/** A query with every value hidden: `token=***&x=***`; a part without `=` could be a token itself. */
export const maskQuery = (query: string): string =>
  printable(query.split('&').map((part) => {
    const at = part.indexOf('=')
    if (at >= 0) return `${part.slice(0, at)}=***`
    return part === '' ? '' : '***'
  }).join('&'))
