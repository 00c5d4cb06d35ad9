/**
 * Compiles a stream path in which `*` matches any characters, including none.
 *
 * The pieces between the stars are searched from left to right, each at its first occurrence, which
 * finds a match if there is one. So a path is scanned only once, whatever the pattern.
 */
export const rulePath = (pattern: string): (path: string) => boolean => {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return (path) => path === first
  return (path) => {
    const end = path.length - last.length
    if (end < first.length || !path.startsWith(first) || !path.endsWith(last)) return false
    let from = first.length
    for (const piece of rest) {
      const at = path.indexOf(piece, from)
      if (at < 0 || at + piece.length > end) return false
      from = at + piece.length
    }
    return true
  }
}
