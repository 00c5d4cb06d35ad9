/** Most directories a session keeps that no recently fetched playlist names. */
export const MAX_KEYS = 64
/** Recently fetched playlists of a session whose directories are always kept: renditions, audio and subtitles. */
const MAX_PLAYLISTS = 32

/** What a session covers beyond the directory it was opened for. */
interface Covered {
  /** Directories by key, least recently named first. */
  readonly keys: Map<string, string>
  /** The playlists it has fetched, by path, and the directories each names now. */
  readonly named: Map<string, { readonly names: readonly string[], readonly keys: readonly string[] }>
}

/** The part of a session that concerns its keys. */
export interface Holder {
  /** The key it was opened by. */
  readonly key: string
  covered: Covered | undefined
}

/** Maps keys to sessions. Several sessions of one viewer may cover the same directory; it stays covered until the last of them ends. */
export class Keys<H extends Holder> {
  private readonly byKey = new Map<string, H>()
  /** Which session takes over a key when its holder ends; only for keys with several holders. */
  private readonly waiting = new Map<string, H[]>()

  find(key: string): H | undefined { return this.byKey.get(key) }

  /** Gives a new session the key it was opened by. */
  open(holder: H): void {
    const before = this.byKey.get(holder.key)
    this.byKey.set(holder.key, holder)
    if (before !== undefined) this.wait(holder.key, before)
  }

  /**
   * Covers the directories that a playlist sent to the session names now. If the session then has too many, it drops the
   * oldest that no current playlist names.
   *
   * @param names - the same array for the same version of the playlist, which is then not processed twice
   * @param keyOf - not called for the directory the session was opened for
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

  /** Gives a resumed session what it covered before. */
  restore(holder: H, keys: ReadonlyMap<string, string>): void {
    const covered = holder.covered ??= { keys: new Map(), named: new Map() }
    for (const [key, name] of keys) if (key !== holder.key) this.claim(holder, covered, key, name)
  }

  /** Removes a session with all its keys; `moreKeys` can still be read afterwards. */
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
