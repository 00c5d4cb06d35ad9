/** Longest value of a header made from what a client sent, in bytes; common servers take 4 KiB and more. */
export const MAX_HEADER_BYTES = 1024

/**
 * Any text as a header value that is always legal: without control characters, as UTF-8, cut
 * between two characters. One character of the result stands for one byte, as undici sends it.
 */
export const headerValue = (text: string): string => {
  if (text.length <= MAX_HEADER_BYTES && !/[^ -~]/.test(text)) return text
  // The first cut only bounds the work: a client could send megabytes.
  const bytes = Buffer.from(text.slice(0, 8 * MAX_HEADER_BYTES).replace(/[\x00-\x1f\x7f-\x9f]+/g, ''), 'utf8')
  let end = Math.min(bytes.length, MAX_HEADER_BYTES)
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('latin1', 0, end)
}
