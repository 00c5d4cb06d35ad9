/** The nested elements that can have `BaseURL`s, the outermost first (ISO/IEC 23009-1, 5.3). */
export const LEVELS = ['MPD', 'Period', 'AdaptationSet', 'Representation'] as const

/**
 * Attributes with a URI, or a URI with `$Number$` and the like, by element. Element names are compared without their
 * prefix, as players do.
 */
export const ATTRIBUTES: ReadonlyMap<string, ReadonlyMap<string, 'uri' | 'pattern'>> = new Map<string, Map<string, 'uri' | 'pattern'>>([
  ['SegmentTemplate', new Map([['media', 'pattern'], ['initialization', 'pattern'], ['index', 'pattern'], ['bitstreamSwitching', 'pattern']])],
  ['SegmentURL', new Map([['media', 'uri'], ['index', 'uri']])],
  ['Initialization', new Map([['sourceURL', 'uri']])],
  ['RepresentationIndex', new Map([['sourceURL', 'uri']])],
  ['BitstreamSwitching', new Map([['sourceURL', 'uri']])],
  ['InitializationSet', new Map([['initialization', 'uri']])],
  ['InitializationGroup', new Map([['initialization', 'uri']])]
])

/** Elements whose text is a URI relative to the manifest, regardless of `BaseURL`s. */
export const LOCATIONS: ReadonlySet<string> = new Set(['Location', 'PatchLocation', 'ContentSteering'])

export const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Whether an attribute, on any element, links to a part of the manifest (`xlink:href`). */
export const isLink = (attribute: string): boolean => attribute.endsWith(':href')
