/** What a connection begins with if it was meant for another port, or comes from an unexpected proxy. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^PROXY /, 'it begins with a PROXY header, and the option proxyProtocol is not set for this port'],
  [/^\r\n\r\n\0\r\nQUIT\n/, 'it begins with a PROXY header, and the option proxyProtocol is not set for this port'],
  [/^\x16\x03[\0-\x04]/, 'it begins with TLS, and this port speaks RTMP without it'],
  [/^(?:GET|POST|HEAD|PUT|OPTIONS|CONNECT) /, 'it begins with HTTP, and this port speaks RTMP']
]

/** Why the first bytes are not RTMP; `undefined` if they may be. */
export const notRtmp = (bytes: Buffer): string | undefined => {
  // The RTMP version.
  if (bytes[0] === 3) return undefined
  const text = bytes.toString('latin1', 0, 16)
  return OTHERS.find(([begin]) => begin.test(text))?.[1]
}
