import { connect, createServer, isIPv6, type AddressInfo, type Socket } from 'node:net'
import type { Closable } from './cleanup.js'

const bytesOf = (address: string): Buffer => {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail = ''] = address.split('::')
  const groups = (part: string): string[] => part === '' ? [] : part.split(':')
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill('0')
  return Buffer.from([...groups(head), ...zeros, ...groups(tail)].map((group) => group.padStart(4, '0')).join(''), 'hex')
}

const port = (value: number): Buffer => Buffer.from([value >> 8, value & 255])

/** A header of version 1. */
export const textHeader = (address: string, from = 50_000): Buffer =>
  Buffer.from(`PROXY TCP${isIPv6(address) ? 6 : 4} ${address} ${isIPv6(address) ? '::1' : '127.0.0.1'} ${from} 1935\r\n`)

/** A header of version 2; `tlvs` come behind the addresses. */
export const binaryHeader = (address: string, { from = 50_000, tlvs = Buffer.alloc(0), command = 1, family }: {
  from?: number, tlvs?: Buffer, command?: number, family?: number
} = {}): Buffer => {
  const own = isIPv6(address) ? '::1' : '127.0.0.1'
  const addresses = Buffer.concat([bytesOf(address), bytesOf(own), port(from), port(1935), tlvs])
  return Buffer.concat([
    Buffer.from('0d0a0d0a000d0a515549540a', 'hex'), Buffer.from([0x20 | command, family ?? (isIPv6(address) ? 0x21 : 0x11)]), port(addresses.length), addresses
  ])
}

/** A padding (`PP2_TYPE_NOOP`) of so many bytes. */
export const padding = (bytes: number): Buffer => Buffer.concat([Buffer.from([4]), port(bytes), Buffer.alloc(bytes, 0x17)])

/** A TCP proxy of the test's own making. */
export interface HeaderProxy extends Closable { readonly port: number }

/**
 * A TCP proxy that begins each of its connections with these bytes, one in each packet if `split`.
 * What its client sends comes behind them, in one piece with the last.
 */
export const headerProxy = async (to: number, header: Buffer, { from = '127.0.0.1', split = false } = {}): Promise<HeaderProxy> => {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const target = connect({ port: to, host: '127.0.0.1', localAddress: from, noDelay: true, allowHalfOpen: true })
    for (const [one, other] of [[client, target], [target, client]] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy()).on('close', () => { sockets.delete(one); other.destroy() }).on('end', () => other.end())
    }
    target.on('data', (bytes) => client.write(bytes))
    client.once('data', (first: Buffer) => void (async () => {
      client.pause()
      const pieces = split ? Array.from({ length: header.length - 1 }, (_, at) => header.subarray(at, at + 1)) : []
      for (const piece of pieces) {
        target.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      target.write(Buffer.concat([header.subarray(pieces.length), first]))
      client.on('data', (bytes) => target.write(bytes))
      client.resume()
    })())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(resolve))
    }
  }
}
