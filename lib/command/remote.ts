import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { HttpAuthError, Misuse } from '../errors.js'
import { readConfig } from '../options/config.js'
import { readArguments } from './arguments.js'

/** The flags of every command that asks a running server. */
export const REMOTE_FLAGS = {
  config: { type: 'string', short: 'c' }, admin: { type: 'string' }, token: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }
} as const

/** The part about them in each usage text. */
export const REMOTE_USAGE = `  -c, --config FILE  the config file of the running server, with its section httpAuth.admin
  --admin URL        instead of -c: the admin server, such as http://127.0.0.1:8090
  --token TOKEN      its token; default: the variable NMS_HTTP_AUTH_TOKEN
  --json             print JSON
  -h, --help         show this

Exit status: 0 done, 1 nothing found, 2 the server does not answer or refuses the token, 3 the command line or the
config is wrong.
`

/** There is no answer, or not the expected one. */
class NoAnswer extends Error {}

/** The admin server of one running node-media-server. */
export interface Remote {
  /** The body of a 200; `undefined` for a 404. */
  ask<T>(path: string, method?: string): Promise<T | undefined>
  /** Calls back with each piece of the event stream until it ends. */
  events(onText: (text: string) => void): Promise<void>
}

const MAX_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 10_000

interface Where { readonly url: URL, readonly token: string }

const whereOf = ({ config, admin, token }: { config?: string | undefined, admin?: string | undefined, token?: string | undefined }): Where => {
  if (admin !== undefined) {
    const given = token ?? process.env['NMS_HTTP_AUTH_TOKEN']
    if (!URL.canParse(admin) || !/^https?:$/.test(new URL(admin).protocol)) throw new Misuse('--admin must be a URL such as http://127.0.0.1:8090')
    if (given === undefined || given === '') throw new Misuse('--admin needs --token, or the variable NMS_HTTP_AUTH_TOKEN')
    return { url: new URL(admin), token: given }
  }
  if (config === undefined) throw new Misuse('name the config file of the running server (-c config.json), or use --admin URL and --token TOKEN')
  const { file, settings } = readConfig(config)
  if (settings === false || settings.admin === undefined) throw new Misuse(`${file} has no section httpAuth.admin, so the server cannot be asked; docs/operations.md says how to add one`)
  const { bind, port } = settings.admin
  if (port === 0) throw new Misuse('httpAuth.admin.port is 0, any free port: name the one that the server printed with --admin')
  const host = bind === '0.0.0.0' ? '127.0.0.1' : bind === '::' ? '[::1]' : bind.includes(':') ? `[${bind}]` : bind
  return { url: new URL(`http://${host}:${port}`), token: token ?? settings.admin.token }
}

const remoteOf = ({ url, token }: Where): Remote => {
  const call = (path: string, method: string): Promise<IncomingMessage> => new Promise((resolve, reject) => {
    const target = new URL(path, url.href.endsWith('/') ? url : `${url.href}/`)
    const req = (url.protocol === 'https:' ? httpsRequest : httpRequest)(target, { method, agent: false, headers: { authorization: `Bearer ${token}` } }, resolve)
    req.setTimeout(TIMEOUT_MS, () => req.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
    req.on('error', (error: NodeJS.ErrnoException) => reject(new NoAnswer(
      `the admin server at ${url.host} does not answer (${error.code ?? error.message}). Does the server run, and has its config a section httpAuth.admin?`)))
    req.end()
  })
  const textOf = async (res: IncomingMessage): Promise<string> => {
    let text = ''
    for await (const part of res.setEncoding('utf8')) {
      text += part as string
      if (text.length > MAX_BYTES) throw new NoAnswer(`the answer of ${url.host} is too large`)
    }
    return text
  }
  const refusal = async (res: IncomingMessage): Promise<NoAnswer> => {
    if (res.statusCode === 401) return new NoAnswer(`the admin server at ${url.host} refuses the token`)
    const text = await textOf(res)
    let said = text.slice(0, 300).trim()
    try { said = (JSON.parse(text) as { error: string }).error } catch { /* it is plain text */ }
    return new NoAnswer(`the admin server at ${url.host} answers ${res.statusCode}: ${said}`)
  }
  return {
    async ask<T>(path: string, method = 'GET') {
      const res = await call(path, method)
      if (res.statusCode === 404) { res.resume(); return undefined }
      if (res.statusCode !== 200) throw await refusal(res)
      const text = await textOf(res)
      try {
        return JSON.parse(text) as T
      } catch {
        throw new NoAnswer(`what answers at ${url.host} is no admin server`)
      }
    },
    async events(onText) {
      const res = await call('api/events', 'GET')
      if (res.statusCode !== 200) throw await refusal(res)
      res.socket.setTimeout(0)
      try {
        for await (const part of res.setEncoding('utf8')) onText(part as string)
      } catch { /* it was cut */ }
      throw new NoAnswer(`the admin server at ${url.host} has closed the stream`)
    }
  }
}

type Flags = Parameters<typeof readArguments>[0]['options']

/** The arguments of a command. */
export interface Line { readonly values: Readonly<Record<string, string | boolean | undefined>>, readonly positionals: readonly string[], readonly json: boolean }

/** Runs a command that asks a running server: reads its arguments, and turns errors into a message and an exit status. */
export const runRemote = async (
  name: string, usage: string, args: string[], flags: Flags, run: (remote: Remote, line: Line) => Promise<number>, check: (line: Line) => void = () => undefined
): Promise<number> => {
  const fail = (status: number, message: string): number => {
    process.stderr.write(`nms-http-auth ${name}: ${message}\n`)
    return status
  }
  try {
    const { values, positionals } = readArguments({ args, options: { ...REMOTE_FLAGS, ...flags }, allowPositionals: true })
    if (values.help === true) {
      process.stdout.write(usage)
      return 0
    }
    const line = { values: values as Line['values'], positionals, json: values.json === true }
    check(line)
    return await run(remoteOf(whereOf(values)), line)
  } catch (error) {
    if (error instanceof NoAnswer) return fail(2, error.message)
    if (error instanceof Misuse) return fail(3, `${error.message}\nSee: nms-http-auth ${name} --help`)
    if (error instanceof HttpAuthError) return fail(3, error.message)
    throw error
  }
}
