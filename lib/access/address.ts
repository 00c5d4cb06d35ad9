import { BlockList, isIP, SocketAddress } from 'node:net'

/**
 * Normalises an address: no zone, IPv6 compressed and in lower case, a mapped IPv4 address
 * (`::ffff:192.0.2.1`) as IPv4. Text that is not an address is returned unchanged.
 */
export const normalizeIp = (text: string): string => {
  const family = isIP(text)
  if (family !== 6) return text
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  const mapped = address.startsWith('::ffff:') ? address.slice(7) : ''
  return isIP(mapped) === 4 ? mapped : address
}

/** Formats an address and a port as in a URL. */
export const authorityOf = (address: string | undefined, port: number | undefined): string => {
  const ip = normalizeIp(address ?? '')
  return `${isIP(ip) === 6 ? `[${ip}]` : ip}:${port}`
}

/**
 * The key for limits per address: an IPv4 address itself, or the /64 of an IPv6 address, because
 * one client owns all of it.
 */
export const limitKey = (ip: string): string => {
  if (isIP(ip) !== 6) return ip
  const address = normalizeIp(ip)
  if (isIP(address) === 4) return address
  // A dotted tail stands for two groups, and is never among the first four.
  const [head = [], tail = []] = address.replace(/(?<=:)\d+(?:\.\d+){3}$/, '0:0').split('::')
    .map((part) => part === '' ? [] : part.split(':'))
  const zeros = Array<string>(8 - head.length - tail.length).fill('0')
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`
}

/** A set of addresses. */
export interface Networks {
  /** False for text that is not an address. */
  has(ip: string): boolean
}

interface Network { address: string, prefix: number, family: 4 | 6 }

const parse = (text: string): Network | undefined => {
  const [, address = '', digits] = /^([^/%]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIP(address)
  if (family === 0) return undefined
  const bits = family === 4 ? 32 : 128
  const prefix = digits === undefined ? bits : Number(digits)
  if (prefix > bits) return undefined
  const normal = normalizeIp(address)
  // A mapped network becomes an IPv4 network, like the addresses that are compared with it.
  if (family === 6 && isIP(normal) === 4) {
    return prefix < 96 ? undefined : { address: normal, prefix: prefix - 96, family: 4 }
  }
  return { address: normal, prefix, family: family === 4 ? 4 : 6 }
}

/** Whether `networks` accepts a text as an address or a CIDR network. */
export const isNetwork = (text: string): boolean => parse(text) !== undefined

/**
 * Compiles addresses and CIDR networks, IPv4 and IPv6.
 * @throws TypeError for anything else
 */
export const networks = (list: readonly string[]): Networks => {
  if (list.length === 0) return { has: () => false }
  // One list per family: in Node 20 a BlockList with `::/0` also matches every IPv4 address.
  const lists = { 4: new BlockList(), 6: new BlockList() }
  for (const text of list) {
    const network = parse(text)
    if (network === undefined) throw new TypeError(`not an address or network: ${text}`)
    lists[network.family].addSubnet(network.address, network.prefix, `ipv${network.family}`)
  }
  return {
    has(ip) {
      const address = normalizeIp(ip)
      const family = isIP(address)
      return family === 4 ? lists[4].check(address, 'ipv4') : family === 6 && lists[6].check(address, 'ipv6')
    }
  }
}
