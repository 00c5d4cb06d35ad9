/** What the first frame of each bench's stream begins with: whoever has seen it has media. */
export const MARKER = Buffer.from('nms-http-auth bench: here a frame begins')

/** Finds the marker in a stream of bytes, however they are cut. */
export class MarkerScan {
  private tail: Buffer = Buffer.alloc(0)

  found(bytes: Buffer): boolean {
    if (bytes.includes(MARKER)) return true
    const edge = Buffer.concat([this.tail, bytes.subarray(0, MARKER.length - 1)])
    if (edge.includes(MARKER)) return true
    this.tail = bytes.length >= MARKER.length - 1 ? bytes.subarray(1 - MARKER.length) : edge.subarray(1 - MARKER.length)
    return false
  }
}
