import { MAX_CACHE_BYTES } from '../../access/bounds.js'

/** Overhead of a small buffer, so that many small messages count, too. */
const BUFFER_BYTES = 256

/**
 * The messages of a stream that NMS caches for new players, once for RTMP and once for FLV. NMS clears the cache at a
 * keyframe but sets no bound. Above this bound it is dropped, and nothing is cached until the next keyframe: players
 * cannot decode a group of pictures without its beginning.
 */
export class BoundedCache extends Set<Buffer> {
  private bytes = 0

  /** @param maxBytes - half of the bound for both caches */
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

/** `null` if NMS is configured not to cache. */
export const boundCache = (cache: Set<Buffer> | null): Set<Buffer> | null => {
  if (cache === null) return null
  const bounded = new BoundedCache()
  for (const message of cache) bounded.add(message)
  return bounded
}

/** Restores NMS's own kind of cache. */
export const unboundCache = (cache: Set<Buffer> | null): Set<Buffer> | null => cache === null ? null : new Set(cache)
