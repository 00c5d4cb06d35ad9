/** Texts that are kept once for all who have them; forgotten all together when they are too many. */
export const createSharedText = (max = 10_000): (text: string) => string => {
  const known = new Map<string, string>()
  return (text) => {
    const shared = known.get(text)
    if (shared !== undefined) return shared
    if (known.size >= max) known.clear()
    const own = ownText(text)
    known.set(own, own)
    return own
  }
}

/** A text in memory of its own: a part of a request's target would keep all of the target. */
export const ownText = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le')
