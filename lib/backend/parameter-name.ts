/** Decodes `+`, `%XX` and `%uXXXX` (which ASP reads). One character per byte. */
const decode = (raw: string): string =>
  raw.replaceAll('+', ' ').replace(/%(?:u([\da-f]{4})|([\da-f]{2}))/gi, (_, wide?: string, byte?: string) =>
    String.fromCharCode(parseInt(wide ?? byte ?? '', 16)))

/** How PHP turns a parameter's name into a variable's; ignores case, since some backends do. */
const variable = (name: string): string => name.replace(/[. []/g, '_').toLowerCase()

/** Both names that a backend may read in the raw text before a `=`: `a[b` is `a` to one, `a_b` to another. */
const readings = (raw: string): [cut: string, whole: string] => {
  const name = (decode(raw).split('\0', 1)[0] ?? '').replace(/^[\x01-\x20]+/, '')
  return [variable(name.split('[', 1)[0] ?? ''), variable(name)]
}

const rawName = (part: string): string => part.split('=', 1)[0] ?? ''

/**
 * Makes a function that removes the operator's parameters from a client's query, in every spelling that a backend could
 * read as one of them; the rest stays the same, byte for byte and in order.
 *
 * Names are compared as the most lenient backend reads them. PHP: percent- and plus-decoded,
 * leading spaces off, ended by NUL, `name[…]` the array `name`, `.` and space as `_`. Others split
 * at `;` too, or ignore case.
 *
 * @param operatorQuery the operator's own parameters as a percent-encoded query
 */
export const withoutNamesOf = (operatorQuery: string): (clientQuery: string) => string => {
  const taken = new Set(operatorQuery.split(/[&;]/).filter((part) => part !== '').flatMap((part) => readings(rawName(part))))
  taken.delete('')
  if (taken.size === 0) return (query) => query
  const isTaken = (part: string): boolean => readings(rawName(part)).some((name) => taken.has(name))
  return (query) => {
    if (query === '') return query
    // Odd entries are separators; a removed part takes the separator before it along.
    const pieces = query.split(/([&;])/)
    let kept: string | undefined
    for (let index = 0; index < pieces.length; index += 2) {
      const part = pieces[index] ?? ''
      if (isTaken(part)) continue
      kept = kept === undefined ? part : `${kept}${pieces[index - 1] ?? '&'}${part}`
    }
    return kept ?? ''
  }
}
