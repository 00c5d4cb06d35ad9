/** Longest header value made from a client's input, in bytes; common servers accept at least 4 KiB. */
export const MAX_HEADER_BYTES = 1024

/**
 * Turns any text into a legal header value: UTF-8 without control characters, cut at a character boundary. Each character of
 * the result is one byte, as undici sends it.
 */
export const headerValue = (text: string): string => {
  if (text.length <= MAX_HEADER_BYTES && !/[^ -~]/.test(text)) return text
  // This first cut only bounds the work: a client could send megabytes.
  const bytes = Buffer.from(text.slice(0, 8 * MAX_HEADER_BYTES).replace(/[\x00-\x1f\x7f-\x9f]+/g, ''), 'utf8')
  let end = Math.min(bytes.length, MAX_HEADER_BYTES)
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('latin1', 0, end)
}
