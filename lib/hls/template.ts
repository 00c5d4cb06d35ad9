/** Bytes of a long text rendered at once. */
export const PIECE_BYTES = 64 * 1024

const QUESTION_MARK = 0x3f

const asItIs = (text: string): string => text

/**
 * A text with placeholders for a client's query. A client's version is never whole in memory: it is rendered in pieces, as
 * fast as the client reads.
 */
export class Template {
  /** Placeholders right after a `?`, where the link has a query of its own. */
  private readonly shared: number

  /**
   * @param bytes - the text without a client's query
   * @param places - offsets into it, ascending; one behind a `?` gets `query&`, any other `?query`
   * @param encode - escapes the inserted ASCII text for the format
   */
  constructor(readonly bytes: Buffer, private readonly places: Uint32Array, private readonly encode: (text: string) => string = asItIs) {
    this.shared = places.reduce((count, place) => bytes[place - 1] === QUESTION_MARK ? count + 1 : count, 0)
  }

  /** Bytes it costs to keep. */
  get size(): number { return this.bytes.length + this.places.byteLength }

  /** Length in bytes with this ASCII query. */
  byteLength(query: string): number {
    const { before, alone } = this.joints(query)
    return this.bytes.length + this.shared * before.length + (this.places.length - this.shared) * alone.length
  }

  /** What is inserted for a query: after a `?`, and elsewhere. */
  private joints(query: string): { readonly before: string, readonly alone: string } {
    return { before: this.encode(`${query}&`), alone: query === '' ? '' : this.encode(`?${query}`) }
  }

  /** Renders the text with this ASCII query between two byte offsets, the second one exclusive, in pieces. */
  * read(query: string, from = 0, to = this.byteLength(query)): Generator<Buffer, void> {
    const joints = this.joints(query)
    const [before, alone] = [Buffer.from(joints.before, 'latin1'), Buffer.from(joints.alone, 'latin1')]
    let piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, to - from))
    let filled = 0
    let at = 0
    for (let index = 0, start = 0; index <= this.places.length && at < to; index++) {
      const place = this.places[index] ?? this.bytes.length
      const text = this.bytes.subarray(start, place)
      start = place
      for (const part of index === this.places.length ? [text] : [text, this.bytes[place - 1] === QUESTION_MARK ? before : alone]) {
        const end = Math.min(part.length, to - at)
        for (let next = Math.max(0, from - at); next < end;) {
          const copied = part.copy(piece, filled, next, end)
          next += copied
          filled += copied
          if (filled < piece.length) continue
          yield piece
          piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, to - at - next))
          filled = 0
        }
        at += part.length
      }
    }
  }
}

/** Builds a template, link by link in the order of the text. */
export class TemplateBuilder {
  private readonly parts: Buffer[] = []
  private readonly places: number[] = []
  private copied = 0
  private grown = 0

  /** @param encode - see `Template` */
  constructor(private readonly source: Buffer, private readonly encode?: (text: string) => string) {}

  /**
   * Replaces the bytes between two offsets with the link `written` (one character per byte); `place` is the offset in it
   * where the query goes.
   */
  link(from: number, to: number, written: string, place: number): void {
    this.places.push(from + this.grown + place)
    if (written.length === to - from && this.source.toString('latin1', from, to) === written) return
    this.parts.push(this.source.subarray(this.copied, from), Buffer.from(written, 'latin1'))
    this.copied = to
    this.grown += written.length - (to - from)
  }

  done(): Template {
    const bytes = this.parts.length === 0 ? this.source : Buffer.concat([...this.parts, this.source.subarray(this.copied)])
    return new Template(bytes, Uint32Array.from(this.places), this.encode)
  }
}
