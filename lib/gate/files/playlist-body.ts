import { Readable } from 'node:stream'
import { PIECE_BYTES, type Template } from '../../hls/template.js'
import type { HttpResponse } from '../../nms/host.js'
import { onceOver } from '../http/response-end.js'

/** A long text on its way to one client, made as fast as it is read. */
class Body extends Readable {
  /** As of a file's stream, for whoever accounts for it. */
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

/** Ends a response with a part of a text. */
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
