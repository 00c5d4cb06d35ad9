/** The variables of a playlist (RFC 8216bis, 4.3): `{$name}` in a URI. */
export interface Variables {
  /** Takes in an `#EXT-X-DEFINE` line. */
  define(line: string): void
  /**
   * @returns `resolved`, by which the URI's origin can be told, or `undefined` if a variable whose
   *   value is not in this playlist could change it; and `text`, the URI to write a query into: as
   *   it stands, unless a variable holds a `?` or `#`
   */
  expand(uri: string): { text: string, resolved: string | undefined }
}

const REFERENCE = /\{\$([A-Za-z0-9_-]+)\}/g
/** What fixes the origin before a variable: a path's beginning, or a whole directory. Browsers drop control characters. */
const FIXED = /^\/[^/\\{\0-\x20]|^[^:/?#\\{\0-\x20]+[/?#]|^https?:\/\/[^/?#\\{]+[/?#]/i

export const createVariables = (): Variables => {
  const values = new Map<string, string>()
  return {
    define(line) {
      const [, name] = /[:,]\s*NAME="([^"]*)"/.exec(line) ?? []
      const [, value] = /[:,]\s*VALUE="([^"]*)"/.exec(line) ?? []
      if (name !== undefined && value !== undefined) values.set(name, value)
    },
    expand(uri) {
      if (!uri.includes('{$')) return { text: uri, resolved: uri }
      let marked = false
      const resolved = uri.replace(REFERENCE, (reference, name: string) => {
        const value = values.get(name)
        if (value === undefined) return reference
        marked ||= /[?#]/.test(value)
        return value
      })
      const unknownAt = resolved.search(REFERENCE)
      const known = unknownAt < 0 || FIXED.test(resolved.slice(0, unknownAt))
      return { text: marked ? resolved : uri, resolved: known ? resolved : undefined }
    }
  }
}
