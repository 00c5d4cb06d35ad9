import { isIP } from 'node:net'
import { normalizeIp, type Networks } from './address.js'

/** The client of a request, as reported by trusted proxies. */
export interface Forwarded {
  /** Normalised, without port. */
  readonly ip: string
  /** Whether the client reached the outermost trusted proxy over TLS; absent if no proxy says so. */
  readonly secure?: boolean
  /** The host, with its port if any, that the client sent to the proxy. */
  readonly host?: string
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const values = (headers: Headers, name: string): string[] => {
  const value = headers[name]
  if (value === undefined) return []
  return (typeof value === 'string' ? value : value.join(',')).split(',').map((part) => part.trim())
}

/** Parses an entry of X-Forwarded-For: some proxies append a port or put IPv6 in brackets. */
const entryAddress = (entry: string): string | undefined => {
  const bare = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(entry)?.[1] ?? entry
  return isIP(bare) === 0 ? undefined : normalizeIp(bare)
}

/** The first untrusted address from the right; the leftmost if all are trusted. */
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
 * Finds the client of an HTTP request behind trusted proxies.
 *
 * Headers from an untrusted peer are ignored, because anybody can send them. From a trusted peer,
 * `X-Forwarded-For` is read from the right up to the first untrusted address; if it is garbage, the
 * peer itself is the client. Of `X-Forwarded-Proto` and `X-Forwarded-Host` the last value counts,
 * which the nearest proxy wrote; an invalid scheme or host is ignored.
 *
 * @param peerIp the address of the connection, with or without `::ffff:`
 * @param headers with lower-case names, as Node provides them
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
