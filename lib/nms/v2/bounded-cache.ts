import { MAX_CACHE_BYTES } from '../../access/bounds.js'

/** What a small buffer takes beside its bytes, so that many small messages count, too. */
const BUFFER_BYTES = 256

/**
 * What NMS keeps of a stream for newcomers, once for RTMP and once for FLV. NMS clears it at a keyframe and bounds
 * it by nothing. Past the bound it is dropped, and nothing is kept until the next keyframe: newcomers could not
 * decode a group of pictures without its beginning.
 */
export class BoundedCache extends Set<Buffer> {
  private bytes = 0

  /** @param maxBytes - half of what both may take */
  constructor(private readonly maxBytes = MAX_CACHE_BYTES / 2) { super() }

  override add(message: Buffer): this {
    this.bytes += message.length + BUFFER_BYTES
    if (this.bytes <= this.maxBytes) return super.add(message)
    super.clear()
    return this
  }

  override clear(): void {
    super.clear()
    this.bytes = 0
  }
}

/** `null` where NMS is configured to keep nothing. */
export const boundCache = (cache: Set<Buffer> | null): Set<Buffer> | null => {
  if (cache === null) return null
  const bounded = new BoundedCache()
  for (const message of cache) bounded.add(message)
  return bounded
}

/** As NMS itself has it. */
export const unboundCache = (cache: Set<Buffer> | null): Set<Buffer> | null => cache === null ? null : new Set(cache)
