import { Readable } from 'node:stream'
import { PIECE_BYTES, type Template } from '../../hls/template.js'
import type { HttpResponse } from '../../nms/host.js'
import { onceOver } from '../http/response-end.js'

/** A long text for one client, rendered as fast as the client reads. */
class Body extends Readable {
  /** Named like that of a file stream, for byte accounting. */
  bytesRead = 0

  constructor(private readonly pieces: Generator<Buffer, void>) {
    super({ highWaterMark: PIECE_BYTES })
  }

  override _read(): void {
    const { value } = this.pieces.next()
    this.bytesRead += value?.length ?? 0
    this.push(value ?? null)
  }
}

/** Ends a response with a byte range of a text. */
export const sendPart = (res: HttpResponse, template: Template, query: string, from: number, to: number): void => {
  const pieces = template.read(query, from, to)
  if (to - from <= PIECE_BYTES) {
    res.end(Buffer.concat([...pieces]))
    return
  }
  const body = new Body(pieces)
  onceOver(res, () => body.destroy())
  body.pipe(res)
}
