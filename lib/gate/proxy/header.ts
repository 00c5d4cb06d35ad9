import { isIP, isIPv4 } from 'node:net'
import { normalizeIp } from '../../access/address.js'

/** The source of a connection, according to the proxy. */
export interface Source { readonly address: string, readonly port: number }

/**
 * What the first bytes of a connection are: a PROXY header (HAProxy's `proxy-protocol.txt`, version 1 or 2) of this
 * length, an incomplete one, or none.
 */
export type Heard =
  /** No source if the proxy has none: health checks (`LOCAL`), `UNKNOWN`, Unix sockets. */
  | { readonly is: 'header', readonly bytes: number, readonly source?: Source }
  | { readonly is: 'incomplete' }
  | { readonly is: 'none' }

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const TEXT = Buffer.from('PROXY ', 'latin1')
/** A version 1 line, including its end. */
const MAX_TEXT_BYTES = 107
/** Bytes before the addresses in version 2. */
const FIXED_BYTES = 16
const NONE: Heard = { is: 'none' }
const INCOMPLETE: Heard = { is: 'incomplete' }

/** Whether the bytes so far match a prefix. */
const agrees = (bytes: Buffer, start: Buffer): boolean => {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

/**
 * Parses a header. Our own code, because the parsers on the registry either take what follows the addresses of version
 * 2 (TLVs) for client data or cannot tell an incomplete header from none.
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
    // Datagrams, which have no connection, and unassigned values.
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

/** Zones name interfaces of the sender's machine. */
const isAddress = (text: string, family: number): boolean => isIP(text) === family && !text.includes('%')

const isPort = (text: string): boolean => /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535
