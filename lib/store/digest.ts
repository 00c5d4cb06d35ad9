import { createHash } from 'node:crypto'

/**
 * A text's id in the store: 128 bits of SHA-256. Each part is prefixed with its length, so that a client cannot move
 * text from one part into the next.
 */
export const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.map((part) => `${part.length}:${part}`).join(''), 'utf16le').digest().toString('base64url', 0, 16)
