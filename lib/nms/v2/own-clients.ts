import { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { safely } from '../../safely.js'
import type { NmsConfig, NmsTask } from './shapes.js'
import type { NmsPackage } from './package.js'

/** NMS's own ffmpegs: RTMP clients of 127.0.0.1 that play and publish like anybody. */
export interface OwnClients {
  /**
   * The stream name without the secret, if it carries one that was given to an ffmpeg for this app; the
   * secret is good for one connection.
   */
  recognize(app: string, streamName: string): string | undefined
}

/** What begins a secret in a URL's query. */
const MARK = 'nms-own='
const SECRET = /^(.*)\?nms-own=([\w-]{43})$/s

interface Spawnable { spawn: (options: { args?: string[] }) => unknown }

/**
 * Gives each of NMS's ffmpegs a secret for each stream of this server that it opens. It stands in the
 * arguments of its process alone: NMS logs and lists them without it, and it is taken off before NMS
 * sees the name, so that no event, log or API has it either. Being from 127.0.0.1 is no proof: behind a
 * proxy on this machine everybody is.
 *
 * Tasks that somebody starts through NMS's API get none unless `auth.api` is on: else whoever reaches
 * the API could have any stream sent to himself.
 */
export const installOwnClients = ({ tasks }: NmsPackage, config: () => NmsConfig): { own: OwnClients, uninstall: () => void } => {
  /** Secret to the stream path that it opens. */
  const secrets = new Map<string, string>()

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
      withArguments((argument) => sign(argument, portOf(config()), secrets, given), () => run.call(this))
      this.ffmpeg_exec?.once('close', safely(undefined, () => { for (const secret of given) secrets.delete(secret) }))
    }
    return () => { prototype.run = run }
  })

  return {
    own: {
      recognize(app, streamName) {
        const [, name = '', secret = ''] = SECRET.exec(streamName) ?? []
        if (secret === '' || secrets.get(secret) !== `/${app}/${name.split('?')[0]}`) return undefined
        secrets.delete(secret)
        return name
      }
    },
    uninstall: () => undo.forEach((restore) => restore())
  }
}

const portOf = ({ rtmp }: NmsConfig): string => String(rtmp?.port)

/** Adds a secret to each URL of this server in an argument, of which a list of outputs has several. */
const sign = (argument: string, port: string, secrets: Map<string, string>, given: string[]): string =>
  argument.replace(/rtmp:\/\/127\.0\.0\.1:(\d+)(\/[^|?\s]+)(\?[^|\s]*)?/g, (url: string, to: string, path: string, query = '') => {
    if (to !== port) return url
    const secret = randomBytes(32).toString('base64url')
    secrets.set(secret, path)
    given.push(secret)
    return `rtmp://127.0.0.1:${to}${path}${query}?${MARK}${secret}`
  })

/** Runs a function with a say in the arguments of the processes that it starts. */
const withArguments = (change: (argument: string) => string, run: () => void): void => {
  const prototype = ChildProcess.prototype as unknown as Spawnable
  const { spawn } = prototype
  prototype.spawn = function (options) {
    return spawn.call(this, { ...options, ...(options.args && { args: options.args.map(change) }) })
  }
  try {
    run()
  } finally {
    prototype.spawn = spawn
  }
}
