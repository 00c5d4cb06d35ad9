/** `+` and `%XX` undone; also `%uXXXX`, which ASP reads. One character for one byte. */
const decode = (raw: string): string =>
  raw.replaceAll('+', ' ').replace(/%(?:u([\da-f]{4})|([\da-f]{2}))/gi, (_, wide?: string, byte?: string) =>
    String.fromCharCode(parseInt(wide ?? byte ?? '', 16)))

/** As PHP turns a parameter's name into a variable's; whether case matters depends on the backend. */
const variable = (name: string): string => name.replace(/[. []/g, '_').toLowerCase()

/** Both names that a backend may read in the raw text before a `=`: `a[b` is `a` to one, `a_b` to another. */
const readings = (raw: string): [cut: string, whole: string] => {
  const name = (decode(raw).split('\0', 1)[0] ?? '').replace(/^[\x01-\x20]+/, '')
  return [variable(name.split('[', 1)[0] ?? ''), variable(name)]
}

const rawName = (part: string): string => part.split('=', 1)[0] ?? ''

/**
 * Makes the step that takes the operator's parameters out of a client's query, in every spelling
 * that a backend could take for one of them; what is left stays byte for byte and in order.
 *
 * Names are compared as the most forgiving backend reads them. PHP: percent- and plus-decoded,
 * leading spaces off, ended by NUL, `name[…]` the array `name`, `.` and space as `_`. Others split
 * at `;` too, or ignore case.
 *
 * @param operatorQuery the query that the operator's own parameters make, percent-encoded
 */
export const withoutNamesOf = (operatorQuery: string): (clientQuery: string) => string => {
  const taken = new Set(operatorQuery.split(/[&;]/).filter((part) => part !== '').flatMap((part) => readings(rawName(part))))
  taken.delete('')
  if (taken.size === 0) return (query) => query
  const isTaken = (part: string): boolean => readings(rawName(part)).some((name) => taken.has(name))
  return (query) => {
    if (query === '') return query
    // Odd entries are the separators; a part goes together with the one before it.
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
