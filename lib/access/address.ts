import { BlockList, isIP, SocketAddress } from 'node:net'

/**
 * An address in the one spelling that this package uses: no zone, IPv6 compressed and in lower
 * case, an IPv4 address that came mapped (`::ffff:192.0.2.1`) as IPv4. What is no address comes
 * back as it is.
 */
export const normalizeIp = (text: string): string => {
  const family = isIP(text)
  if (family !== 6) return text
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  const mapped = address.startsWith('::ffff:') ? address.slice(7) : ''
  return isIP(mapped) === 4 ? mapped : address
}

/** An address and a port as the authority of a URL. */
export const authorityOf = (address: string | undefined, port: number | undefined): string => {
  const ip = normalizeIp(address ?? '')
  return `${isIP(ip) === 6 ? `[${ip}]` : ip}:${port}`
}

/**
 * What a limit per address counts by: an IPv4 address itself, of an IPv6 address its /64, since
 * one client owns all of that.
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
  /** False for what is no address. */
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
  // A mapped network is one of IPv4, as the addresses that are compared with it are.
  if (family === 6 && isIP(normal) === 4) {
    return prefix < 96 ? undefined : { address: normal, prefix: prefix - 96, family: 4 }
  }
  return { address: normal, prefix, family: family === 4 ? 4 : 6 }
}

/** Whether a text is an address or a CIDR network that `networks` takes. */
export const isNetwork = (text: string): boolean => parse(text) !== undefined

/**
 * Compiles addresses and CIDR networks, IPv4 and IPv6.
 * @throws TypeError for what is neither
 */
export const networks = (list: readonly string[]): Networks => {
  if (list.length === 0) return { has: () => false }
  // One list for each family: a BlockList of Node 20 takes `::/0` to hold every IPv4 address too.
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
