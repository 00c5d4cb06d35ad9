/**
 * Compiles a stream path in which `*` stands for any run of characters, also an empty one.
 *
 * The pieces between the stars are sought from left to right, each at its first place, which is
 * enough for a match to be found if there is one; so no path takes longer than to look through it
 * once, whatever the pattern.
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
