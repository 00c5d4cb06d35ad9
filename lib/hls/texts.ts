/** Texts of sessions, each kept once for all who have it, and no longer than one of them is there. */
export interface Texts {
  /** Takes texts in, or `undefined` if there is no room for them. */
  take<K extends string>(texts: Readonly<Record<K, string>>): Record<K, string> | undefined
  /** Gives back what `take` returned. */
  free(texts: Readonly<Record<string, string>>): void
  /** Bytes that are kept. */
  readonly size: number
}

interface Kept { readonly text: string, users: number }

/** What an entry costs beyond its characters. */
const OVERHEAD_BYTES = 64

const costOf = (text: string): number => OVERHEAD_BYTES + (/^[\0-\xff]*$/.test(text) ? text.length : 2 * text.length)

/** Makes an empty store of texts. */
export const createTexts = (maxBytes: number): Texts => {
  const kept = new Map<string, Kept>()
  let size = 0
  const drop = (text: string): void => {
    const entry = kept.get(text)
    if (entry === undefined || --entry.users > 0) return
    kept.delete(text)
    size -= costOf(text)
  }
  const keep = (text: string): string => {
    const entry = kept.get(text)
    if (entry !== undefined) {
      entry.users += 1
      return entry.text
    }
    const own = ownText(text)
    kept.set(own, { text: own, users: 1 })
    size += costOf(own)
    return own
  }
  return {
    take(texts) {
      const values = new Set(Object.values<string>(texts))
      const added = [...values].reduce((sum, text) => kept.has(text) ? sum : sum + costOf(text), 0)
      if (size + added > maxBytes) return undefined
      return Object.fromEntries(Object.entries<string>(texts).map(([name, text]) => [name, keep(text)])) as typeof texts
    },
    free(texts) {
      for (const text of Object.values(texts)) drop(text)
    },
    get size() { return size }
  }
}

/** A text in memory of its own: a part of a request's target would keep all of the target. */
export const ownText = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le')
