import { createHash } from 'node:crypto'

/**
 * What the store knows a text by: 128 bits of SHA-256. Each part goes in with its length before it, so that no client can
 * move text from one into another.
 */
export const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.map((part) => `${part.length}:${part}`).join(''), 'utf16le').digest().toString('base64url', 0, 16)
