/** Directories that a session keeps at most which no playlist names that it has fetched lately. */
export const MAX_KEYS = 64
/** Playlists that a session has fetched lately, and whose directories it keeps in any case: renditions, sound and subtitles. */
const MAX_PLAYLISTS = 32

/** What a session covers beside the directory that it was opened for. */
interface Covered {
  /** Directories by key, the one that was named longest ago first. */
  readonly keys: Map<string, string>
  /** The playlists that it has fetched, by path, and what each of them names now. */
  readonly named: Map<string, { readonly names: readonly string[], readonly keys: readonly string[] }>
}

/** What of a session concerns its keys. */
export interface Holder {
  /** The key it was opened by. */
  readonly key: string
  covered: Covered | undefined
}

/** Which session has a key. Several sessions of one viewer may cover a directory; while one of them is there it is covered. */
export class Keys<H extends Holder> {
  private readonly byKey = new Map<string, H>()
  /** Who takes a key over once it is free, for the few that several hold. */
  private readonly waiting = new Map<string, H[]>()

  find(key: string): H | undefined { return this.byKey.get(key) }

  /** A session has been opened by its key, which is its own from now on. */
  open(holder: H): void {
    const before = this.byKey.get(holder.key)
    this.byKey.set(holder.key, holder)
    if (before !== undefined) this.wait(holder.key, before)
  }

  /**
   * A session has been sent a playlist, which names these directories now. What it names is covered;
   * of what was named before, the oldest that no current playlist names goes where there is too much.
   *
   * @param names - the same array for the same version, so that nothing is done twice
   * @param keyOf - not called for what the session was opened for
   */
  cover(holder: H, playlist: string, names: readonly string[], keyOf: (name: string) => string): void {
    if (holder.covered?.named.get(playlist)?.names === names) return
    const covered = holder.covered ??= { keys: new Map(), named: new Map() }
    const keys: string[] = []
    for (const name of names) {
      const key = keyOf(name)
      if (key === holder.key) continue
      keys.push(key)
      this.claim(holder, covered, key, name)
    }
    covered.named.delete(playlist)
    covered.named.set(playlist, { names, keys })
    if (covered.named.size > MAX_PLAYLISTS) covered.named.delete(covered.named.keys().next().value as string)
    this.trim(holder, covered)
  }

  /** A session that comes back covers what it covered before. */
  restore(holder: H, keys: ReadonlyMap<string, string>): void {
    const covered = holder.covered ??= { keys: new Map(), named: new Map() }
    for (const [key, name] of keys) if (key !== holder.key) this.claim(holder, covered, key, name)
  }

  /** Takes a session out whole; what it covered can still be read of it. */
  close(holder: H): void {
    for (const key of [holder.key, ...holder.covered?.keys.keys() ?? []]) this.release(holder, key)
  }

  get size(): number { return this.byKey.size }

  private claim(holder: H, covered: Covered, key: string, name: string): void {
    const isNew = !covered.keys.delete(key)
    covered.keys.set(key, name)
    if (!isNew) return
    if (this.byKey.has(key)) this.wait(key, holder)
    else this.byKey.set(key, holder)
  }

  private trim(holder: H, { keys, named }: Covered): void {
    if (keys.size <= MAX_KEYS) return
    const current = new Set([...named.values()].flatMap((each) => each.keys))
    for (const key of keys.keys()) {
      if (keys.size <= MAX_KEYS) return
      if (current.has(key)) continue
      keys.delete(key)
      this.release(holder, key)
    }
  }

  private wait(key: string, holder: H): void {
    const waiting = this.waiting.get(key)
    if (waiting === undefined) this.waiting.set(key, [holder])
    else waiting.push(holder)
  }

  private release(holder: H, key: string): void {
    const waiting = this.waiting.get(key) ?? []
    const next = this.byKey.get(key) === holder ? waiting.shift() : undefined
    if (next !== undefined) this.byKey.set(key, next)
    else if (this.byKey.get(key) === holder) this.byKey.delete(key)
    else waiting.splice(waiting.indexOf(holder), 1)
    if (waiting.length === 0) this.waiting.delete(key)
  }
}
