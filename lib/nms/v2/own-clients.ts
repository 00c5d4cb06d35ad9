import { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { safely } from '../../safely.js'
import type { NmsConfig, NmsTask } from './shapes.js'
import type { NmsPackage } from './package.js'

/** NMS's own ffmpeg processes: RTMP clients from 127.0.0.1 that play and publish like any other. */
export interface OwnClients {
  /**
   * Returns the stream name without the secret, if it carries one that an ffmpeg was given for this app. A secret works
   * for one connection.
   *
   * @param byEntrance - whether the connection came through their own entrance
   */
  recognize(app: string, streamName: string, byEntrance: boolean): string | undefined
  /** The port of their own entrance; `undefined` if it is not open, and they use the normal port. */
  entrance: number | undefined
}

/** Marks a secret in the query of a URL. */
const MARK = 'nms-own='
const SECRET = /^(.*)\?nms-own=([\w-]{43})$/s

/** Fission passes numbers among its arguments. */
interface Spawnable { spawn: (options: { args?: (string | number)[] }) => unknown }

/**
 * Gives each ffmpeg that NMS starts a secret for each stream of this server it opens. The secret appears only in the
 * arguments of that process: NMS logs and lists the arguments without it, and it is removed before NMS sees the name,
 * so no event, log or API contains it. An address of 127.0.0.1 proves nothing: behind a proxy on this machine every
 * client has it.
 *
 * Tasks started through NMS's API get no secret unless `auth.api` is on; otherwise anybody who can reach the API could
 * have any stream sent to them.
 */
export const installOwnClients = ({ tasks }: NmsPackage, config: () => NmsConfig): { own: OwnClients, uninstall: () => void } => {
  /** Secret to the stream path it opens. */
  const secrets = new Map<string, string>()
  const own: OwnClients = {
    entrance: undefined,
    recognize(app, streamName, byEntrance) {
      const [, name = '', secret = ''] = SECRET.exec(streamName) ?? []
      if (byEntrance !== (this.entrance !== undefined)) return undefined
      if (secret === '' || secrets.get(secret) !== `/${app}/${name.split('?')[0]}`) return undefined
      secrets.delete(secret)
      return name
    }
  }

  const isOperators = ({ conf }: NmsTask, index: number): boolean => {
    const { relay, auth } = config()
    const isRelay = index === 1
    return !isRelay || Boolean(auth?.api) || (Array.isArray(relay?.tasks) && relay.tasks.includes(conf))
  }
  const undo = tasks.map(({ prototype }, index) => {
    const { run } = prototype
    prototype.run = function () {
      if (!isOperators(this, index)) return run.call(this)
      const given: string[] = []
      const { entrance } = own
      withArguments((argument) => sign(argument, { port: portOf(config()), entrance }, secrets, given), () => run.call(this))
      this.ffmpeg_exec?.once('close', safely(undefined, () => { for (const secret of given) secrets.delete(secret) }))
    }
    return () => { prototype.run = run }
  })

  return { own, uninstall: () => undo.forEach((restore) => restore()) }
}

const portOf = ({ rtmp }: NmsConfig): string => String(rtmp?.port)

/** Adds a secret to each URL of this server in an argument; a list of outputs may contain several. */
const sign = (argument: string, { port, entrance }: { readonly port: string, readonly entrance: number | undefined }, secrets: Map<string, string>, given: string[]): string =>
  argument.replace(/rtmp:\/\/127\.0\.0\.1:(\d+)(\/[^|?\s]+)(\?[^|\s]*)?/g, (url: string, to: string, path: string, query = '') => {
    if (to !== port) return url
    const secret = randomBytes(32).toString('base64url')
    secrets.set(secret, path)
    given.push(secret)
    return `rtmp://127.0.0.1:${entrance ?? to}${path}${query}?${MARK}${secret}`
  })

/** Runs a function and changes the arguments of the processes it starts. */
const withArguments = (change: (argument: string) => string, run: () => void): void => {
  const prototype = ChildProcess.prototype as unknown as Spawnable
  const { spawn } = prototype
  prototype.spawn = function (options) {
    return spawn.call(this, { ...options, ...(options.args && { args: options.args.map((argument) => typeof argument === 'string' ? change(argument) : argument) }) })
  }
  try {
    run()
  } finally {
    prototype.spawn = spawn
  }
}
