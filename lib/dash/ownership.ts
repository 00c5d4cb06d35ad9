import { MAX_PATH_BYTES, MAX_QUERY_BYTES } from '../access/bounds.js'
import type { Uris } from '../hls/uris.js'
import { dependsOnRepresentation, expand, hasCountedDirectory, type Identifiers } from './pattern.js'
import type { Reference, Scope } from './scope.js'

/** The server refuses requests for longer URIs. */
const MAX_URI_BYTES = MAX_PATH_BYTES + MAX_QUERY_BYTES
/** Bases in one manifest: enough for more than a day of periods with a directory for each track. */
const MAX_BASES = 10_000
/** Resolving and inheriting steps for one manifest: enough for the longest manifest allowed. */
const MAX_STEPS = 250_000

/** Expanded patterns also count by length. */
const LETTERS_A_STEP = 64

/** One possible base for the URIs of a `Representation`, and the values for its patterns. */
interface Leaf extends Identifiers {
  readonly uris: Uris
}

/** `unknown`: it is impossible to tell where the URIs lead. */
type Bases = readonly Uris[] | 'unknown'
type Leaves = readonly Leaf[] | 'unknown'

/**
 * Tells which references in a manifest are the server's own: those that lead there whichever base and `Representation`
 * a player picks. A token must never go to a stranger.
 */
export class Ownership {
  private readonly basesOf = new Map<Scope, Bases>()
  private readonly leavesOf = new Map<Scope, Leaves>()
  private bases = 0
  private steps = 0

  /** @param document - resolves URIs relative to the manifest */
  constructor(private readonly document: Uris) {}

  /** @throws RangeError if the manifest is too complex */
  isOwn({ value, kind, scope }: Reference): boolean {
    if (value.length > MAX_URI_BYTES) return false
    switch (kind) {
      case 'location': return this.document.isOwn(value)
      case 'link': return this.isOwnUnder(this.resolve(scope), value)
      case 'base': return this.isOwnUnder(this.above(scope), value)
      case 'uri': return this.isOwnUnder(this.distinct(scope), value)
      case 'pattern': return this.isOwnPattern(scope, value)
    }
  }

  private isOwnUnder(bases: Bases, value: string): boolean {
    if (bases === 'unknown') return false
    this.spend(bases.length)
    return bases.every((uris) => uris.isOwn(value))
  }

  private isOwnPattern(scope: Scope, pattern: string): boolean {
    const leaves = this.leaves(scope)
    if (leaves === 'unknown') return false
    const covers = !hasCountedDirectory(pattern)
    const different = dependsOnRepresentation(pattern) ? leaves : [...new Set(leaves.map(({ uris }) => uris))].map((uris) => ({ uris, id: undefined, bandwidth: undefined }))
    this.spend(leaves.length + different.length)
    return different.every((leaf) => {
      const expanded = expand(pattern, leaf)
      for (const { length } of expanded) this.spend(Math.floor(length / LETTERS_A_STEP))
      return expanded.length > 0 && expanded.every((uri) => uri.length <= MAX_URI_BYTES && leaf.uris.isOwn(uri, covers))
    })
  }

  private above({ parent }: Scope): Bases {
    return parent === undefined ? [this.document] : this.resolve(parent)
  }

  /** The bases for URIs at a level. */
  private resolve(scope: Scope): Bases {
    const known = this.basesOf.get(scope)
    if (known !== undefined) return known
    const above = this.above(scope)
    const bases = above === 'unknown' || scope.baseUrls.length === 0 ? above : this.combine(above, scope.baseUrls)
    this.basesOf.set(scope, bases)
    return bases
  }

  private combine(above: readonly Uris[], texts: readonly (string | undefined)[]): Bases {
    this.bases += above.length * texts.length
    if (this.bases > MAX_BASES) throw new RangeError(`it has more than ${MAX_BASES} bases`)
    const bases = new Set<Uris>()
    for (const text of texts) {
      if (text === undefined || text.length > MAX_PATH_BYTES) return 'unknown'
      for (const base of above) bases.add(base.below(text))
    }
    return [...bases]
  }

  /** The leaves of all `Representation`s below a level. */
  private leaves(scope: Scope): Leaves {
    const known = this.leavesOf.get(scope)
    if (known !== undefined) return known
    const leaves = scope.children.length > 0 ? this.inherited(scope.children) : this.own(scope)
    this.leavesOf.set(scope, leaves)
    return leaves
  }

  private own(scope: Scope): Leaves {
    const bases = this.resolve(scope)
    if (bases === 'unknown') return bases
    this.spend(bases.length)
    return bases.map((uris) => ({ uris, ...scope.identifiers }))
  }

  private inherited(scopes: readonly Scope[]): Leaves {
    const all: Leaf[] = []
    for (const scope of scopes) {
      const leaves = this.leaves(scope)
      if (leaves === 'unknown') return leaves
      this.spend(leaves.length)
      for (const leaf of leaves) all.push(leaf)
    }
    return all
  }

  private distinct(scope: Scope): Bases {
    const leaves = this.leaves(scope)
    if (leaves === 'unknown' || leaves.length === 1) return leaves === 'unknown' ? leaves : leaves.map(({ uris }) => uris)
    this.spend(leaves.length)
    return [...new Set(leaves.map(({ uris }) => uris))]
  }

  private spend(steps: number): void {
    this.steps += steps
    if (this.steps > MAX_STEPS) throw new RangeError('its links have too many meanings')
  }
}
