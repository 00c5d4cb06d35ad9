import type { IncomingHttpHeaders, Server } from 'node:http'
import { isProbe } from './backend.js'

/** One check as a portal got it. */
export interface Check {
  readonly method: string
  /** The target, byte for byte. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** A stand-in for a portal, as the examples have them. It listens where it is told to. */
export interface Portal<Whom = object> {
  readonly server: Server
  /** Everything that was checked for a client, in order: probes are left out. */
  readonly checks: readonly Check[]
  /** Makes a token and returns it as the query that the portal puts behind a link. */
  readonly newToken: (whom: Whom) => string
}

interface Common {
  /** A token's life, in milliseconds. */
  readonly tokenMs?: number
  /** Milliseconds since any fixed point. */
  readonly now?: () => number
}

export type MinistraPortal = Portal<{ userId?: string }> & { setBroken(value: boolean): void }
export type SmartyPortal = Portal<{ name: string, ip?: string }>
export type FlussonicPortal = Portal<{ name?: string, userId?: string }> & { takeOut(userId: string): void }
export type IptvPortal = Portal<{ path: string }>

/** The examples are plain JavaScript, so that nothing has to be built to run them. */
const load = async <Options, Made extends Portal<never>>(name: string): Promise<(options?: Options) => Made> => {
  const module = await import(new URL(`../../examples/${name}/portal.js`, import.meta.url).href) as { createPortal: (options?: Options) => Made }
  return (options) => {
    const portal = module.createPortal(options)
    return Object.defineProperty({ ...portal }, 'checks', { get: () => portal.checks.filter((check) => !isProbe(check)) })
  }
}

export const createMinistra = await load<Common & { authSeconds?: number, maxSessions?: number }, MinistraPortal>('ministra')
export const createSmarty = await load<Common & { mostMs?: number, checkIp?: boolean }, SmartyPortal>('smarty')
export const createFlussonic = await load<Common & { authSeconds?: number, maxSessions?: number }, FlussonicPortal>('flussonic')
export const createIptvPortal = await load<Common & { tls: { key: Buffer, cert: Buffer } }, IptvPortal>('iptvportal')
