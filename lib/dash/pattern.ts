/** A `Representation`'s values for the identifiers of a pattern, if it has them. */
export interface Identifiers {
  readonly id: string | undefined
  readonly bandwidth: string | undefined
}

/** Identifiers of `SegmentTemplate` (ISO/IEC 23009-1, 5.3.9.4.4); `$$` means `$`. */
const IDENTIFIER = /\$(?:(RepresentationID|Bandwidth|Number|SubNumber|Time)(?:%0(\d{1,2})[diouxX])?)?\$/g
const OWN_OF_REPRESENTATION = /\$(?:RepresentationID|Bandwidth)[$%]/
const COUNTED = /\$(?:Number|SubNumber|Time)[$%]/

/** Two numbers that cannot both lead to the same server if they are part of a URI's host or port. */
const NUMBERS = ['1', '23']

/** Whether the URI depends on the `Representation`. */
export const dependsOnRepresentation = (pattern: string): boolean => OWN_OF_REPRESENTATION.test(pattern)

/** Whether each segment may have its own directory. */
export const hasCountedDirectory = (pattern: string): boolean => {
  const end = pattern.search(/[?#]/)
  return COUNTED.test(pattern.slice(0, pattern.lastIndexOf('/', end < 0 ? undefined : end) + 1))
}

/**
 * Sample URIs for everything a pattern can expand to for one `Representation`. Empty if it is impossible to tell where
 * they lead: an identifier has no value, or its value moves the start of the query.
 */
export const expand = (pattern: string, { id, bandwidth }: Identifiers): readonly string[] => {
  if (!pattern.includes('$')) return [pattern]
  let isKnown = true
  const expanded = NUMBERS.map((number) => pattern.replace(IDENTIFIER, (_, name?: string, width?: string) => {
    if (name === undefined) return '\0'
    const value = name === 'RepresentationID' ? id : name === 'Bandwidth' ? bandwidth : number
    isKnown &&= value !== undefined && !/[?#\0]/.test(value)
    return value?.padStart(Number(width ?? 0), '0') ?? ''
  }))
  return isKnown && !expanded.some((uri) => /\$[^$]*\$/.test(uri)) ? expanded.map((uri) => uri.replaceAll('\0', '$')) : []
}
