import { isIP, isIPv4 } from 'node:net'
import { normalizeIp } from '../../access/address.js'

/** Where a connection comes from, as the proxy before us says. */
export interface Source { readonly address: string, readonly port: number }

/**
 * What the first bytes of a connection are: a header of the PROXY protocol (HAProxy's
 * `proxy-protocol.txt`, versions 1 and 2) of so many bytes, of which more may be to come, or none.
 */
export type Heard =
  /** Without a source where the proxy has none to tell: health checks (`LOCAL`), `UNKNOWN`, Unix sockets. */
  | { readonly is: 'header', readonly bytes: number, readonly source?: Source }
  | { readonly is: 'incomplete' }
  | { readonly is: 'none' }

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const TEXT = Buffer.from('PROXY ', 'latin1')
/** A line of version 1, its end included. */
const MAX_TEXT_BYTES = 107
/** Before the addresses of version 2. */
const FIXED_BYTES = 16
const NONE: Heard = { is: 'none' }
const INCOMPLETE: Heard = { is: 'incomplete' }

/** Whether bytes begin as something does, as far as there are any. */
const agrees = (bytes: Buffer, start: Buffer): boolean => {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

/**
 * Reads a header. Own code, since the parsers on the registry take what follows the addresses of
 * version 2 (TLVs) for the client's bytes, or cannot tell half a header from none.
 */
export const readProxyHeader = (bytes: Buffer): Heard => {
  if (agrees(bytes, SIGNATURE)) return bytes.length < FIXED_BYTES ? INCOMPLETE : readBinary(bytes)
  return agrees(bytes, TEXT) ? readText(bytes) : NONE
}

const readBinary = (bytes: Buffer): Heard => {
  const version = bytes.readUInt8(12) >> 4
  const command = bytes.readUInt8(12) & 15
  const family = bytes.readUInt8(13)
  const length = bytes.readUInt16BE(14)
  if (version !== 2 || command > 1) return NONE
  if (bytes.length < FIXED_BYTES + length) return INCOMPLETE
  const header = { is: 'header', bytes: FIXED_BYTES + length } as const
  if (command === 0) return header
  const addresses = bytes.subarray(FIXED_BYTES, FIXED_BYTES + length)
  switch (family) {
    case 0x11: return length < 12 ? NONE : { ...header, source: { address: addresses.subarray(0, 4).join('.'), port: addresses.readUInt16BE(8) } }
    case 0x21: return length < 36 ? NONE : { ...header, source: { address: normalizeIp(groups(addresses.subarray(0, 16))), port: addresses.readUInt16BE(32) } }
    // Unspecified, Unix sockets.
    case 0x00: case 0x31: return header
    // Datagrams, which no connection is made of, and what is not assigned.
    default: return NONE
  }
}

const groups = (bytes: Buffer): string => Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(':')

const readText = (bytes: Buffer): Heard => {
  const end = bytes.subarray(0, MAX_TEXT_BYTES).indexOf('\r\n')
  if (end < 0) return bytes.length < MAX_TEXT_BYTES ? INCOMPLETE : NONE
  const header = { is: 'header', bytes: end + 2 } as const
  const words = bytes.toString('latin1', 0, end).split(' ')
  const [, protocol, address = '', destination = '', port = '', destinationPort = ''] = words
  if (protocol === 'UNKNOWN') return header
  const family = protocol === 'TCP4' ? 4 : protocol === 'TCP6' ? 6 : NaN
  const sound = words.length === 6 && isAddress(address, family) && isAddress(destination, family) && isPort(port) && isPort(destinationPort)
  return sound ? { ...header, source: { address: isIPv4(address) ? address : normalizeIp(address), port: Number(port) } } : NONE
}

/** Zones name interfaces of the machine that says them. */
const isAddress = (text: string, family: number): boolean => isIP(text) === family && !text.includes('%')

const isPort = (text: string): boolean => /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535
