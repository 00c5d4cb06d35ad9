import { isIP } from 'node:net'
import { normalizeIp, type Networks } from './address.js'

/** Who the client is, once the proxies that may speak for it have been heard. */
export interface Forwarded {
  /** Normalised, without port. */
  readonly ip: string
  /** Whether the client reached the outermost trusted proxy by TLS; absent if nobody said so. */
  readonly secure?: boolean
  /** Host, and port if there was one, as the client named it to the proxy. */
  readonly host?: string
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const values = (headers: Headers, name: string): string[] => {
  const value = headers[name]
  if (value === undefined) return []
  return (typeof value === 'string' ? value : value.join(',')).split(',').map((part) => part.trim())
}

/** An entry of X-Forwarded-For: some proxies write a port behind it, or brackets around IPv6. */
const entryAddress = (entry: string): string | undefined => {
  const bare = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(entry)?.[1] ?? entry
  return isIP(bare) === 0 ? undefined : normalizeIp(bare)
}

/** The first untrusted address from the right; the leftmost if the whole way is trusted. */
const clientOf = (peer: string, chain: readonly string[], trusted: Networks): string => {
  let client = peer
  for (const entry of chain.toReversed()) {
    if (!trusted.has(client)) break
    const address = entryAddress(entry)
    if (address === undefined) return peer
    client = address
  }
  return client
}

/**
 * Works out the client of an HTTP request behind trusted proxies.
 *
 * Without a trusted peer the headers mean nothing: anybody can send them. With one,
 * `X-Forwarded-For` is read from the right until an address that is not trusted; garbage on that
 * way means the peer itself. Of `X-Forwarded-Proto` and `X-Forwarded-Host` the last value counts,
 * the one that the nearest proxy wrote; what is no scheme or no host is as if it were not there.
 *
 * @param peerIp the address of the connection, with or without `::ffff:`
 * @param headers lower-case names, as Node has them
 * @param trusted the operator's `trustProxy`
 */
export const forwarded = (peerIp: string, headers: Headers, trusted: Networks): Forwarded => {
  const peer = normalizeIp(peerIp)
  if (!trusted.has(peer)) return { ip: peer }
  const proto = values(headers, 'x-forwarded-proto').at(-1)?.toLowerCase() ?? ''
  const host = values(headers, 'x-forwarded-host').at(-1) ?? ''
  return {
    ip: clientOf(peer, values(headers, 'x-forwarded-for'), trusted),
    ...(/^(https?|wss?)$/.test(proto) && { secure: proto === 'https' || proto === 'wss' }),
    ...(/^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i.test(host) && { host })
  }
}
