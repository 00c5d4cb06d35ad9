import type { Identifiers } from './pattern.js'

/** One level of the manifest, with what its content inherits. */
export class Scope {
  readonly children: Scope[] = []
  /** Texts of its `BaseURL`s, which are alternatives; `undefined` if one cannot be read. */
  readonly baseUrls: (string | undefined)[] = []

  constructor(readonly parent: Scope | undefined, readonly identifiers: Identifiers) {
    parent?.children.push(this)
  }
}

/** A URI in a manifest and its position. */
export interface Reference {
  /** Offsets of the URI in the text, without surrounding white space. */
  readonly from: number
  readonly to: number
  /** The unescaped URI, one character per byte of UTF-8. */
  readonly value: string
  /** Whether the text contains XML escapes. */
  readonly isEscaped: boolean
  readonly kind: ReferenceKind
  /** The level it belongs to. */
  readonly scope: Scope
}

export type ReferenceKind =
  /** Relative to the bases of each `Representation` in its scope. */
  | 'uri'
  /** The same with `$Number$` and the like. */
  | 'pattern'
  /** A `BaseURL` of its scope. */
  | 'base'
  /** Relative to the bases of its scope. */
  | 'link'
  /** Relative to the manifest. */
  | 'location'
