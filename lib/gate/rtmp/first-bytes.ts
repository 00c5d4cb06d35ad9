/** What else than RTMP a connection begins with, when it was meant for another port or is behind a proxy that is not expected. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^PROXY /, 'it begins with PROXY: the PROXY protocol is not spoken here (see the option proxyProtocol)'],
  [/^\r\n\r\n\0\r\nQUIT\n/, 'it begins with PROXY: the PROXY protocol is not spoken here (see the option proxyProtocol)'],
  [/^\x16\x03[\0-\x04]/, 'it begins with TLS, and this port speaks RTMP without it'],
  [/^(?:GET|POST|HEAD|PUT|OPTIONS|CONNECT) /, 'it begins with HTTP, and this port speaks RTMP']
]

/** Why the first bytes of a connection are not RTMP's; `undefined` if they may be. */
export const notRtmp = (bytes: Buffer): string | undefined => {
  // RTMP's version.
  if (bytes[0] === 3) return undefined
  const text = bytes.toString('latin1', 0, 16)
  return OTHERS.find(([begin]) => begin.test(text))?.[1]
}
