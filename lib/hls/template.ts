/** Bytes that are made at once of a long text. */
export const PIECE_BYTES = 64 * 1024

const QUESTION_MARK = 0x3f

/**
 * A text with places for a client's query. What a client gets is never whole in memory: it is made
 * in pieces, as fast as the client reads.
 */
export class Template {
  /** Places behind a `?`, where the query goes before one that the link has itself. */
  private readonly shared: number

  /**
   * @param bytes - the text without any client's query
   * @param places - offsets into it, ascending; one behind a `?` gets `query&`, any other `?query`
   */
  constructor(readonly bytes: Buffer, private readonly places: Uint32Array) {
    this.shared = places.reduce((count, place) => bytes[place - 1] === QUESTION_MARK ? count + 1 : count, 0)
  }

  /** What keeping it costs. */
  get size(): number { return this.bytes.length + this.places.byteLength }

  /** Bytes of the text for a query of ASCII. */
  byteLength(query: string): number {
    const alone = this.places.length - this.shared
    return this.bytes.length + this.shared * (query.length + 1) + (query === '' ? 0 : alone * (query.length + 1))
  }

  /** The text for a query of ASCII, from one byte to before another, in pieces. */
  * read(query: string, from = 0, to = this.byteLength(query)): Generator<Buffer, void> {
    const before = Buffer.from(`${query}&`, 'latin1')
    const alone = Buffer.from(query === '' ? '' : `?${query}`, 'latin1')
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

/** Makes a template of a text, link by link, in the order in which they stand in it. */
export class TemplateBuilder {
  private readonly parts: Buffer[] = []
  private readonly places: number[] = []
  private copied = 0
  private grown = 0

  constructor(private readonly source: Buffer) {}

  /** The bytes from one offset to before another are a link; `place` is where in what is written for it the query goes. */
  link(from: number, to: number, written: string, place: number): void {
    this.places.push(from + this.grown + place)
    if (written.length === to - from && this.source.toString('latin1', from, to) === written) return
    this.parts.push(this.source.subarray(this.copied, from), Buffer.from(written, 'latin1'))
    this.copied = to
    this.grown += written.length - (to - from)
  }

  done(): Template {
    const bytes = this.parts.length === 0 ? this.source : Buffer.concat([...this.parts, this.source.subarray(this.copied)])
    return new Template(bytes, Uint32Array.from(this.places))
  }
}
