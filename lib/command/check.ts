import { HttpAuthError, Misuse } from '../errors.js'
import { visibleJson } from '../mask.js'
import type { CheckDocument } from '../check/document.js'
import { checkText } from '../check/text.js'
import { CHECK_USAGE } from '../check/usage.js'
import { ADDRESS, USER_AGENT } from '../check/client.js'
import { inspect, NOTHING, type Wish } from '../check/inspect.js'
import { readArguments } from './arguments.js'

const OPTIONS = {
  config: { type: 'string', short: 'c' }, publish: { type: 'boolean' }, ip: { type: 'string' }, 'user-agent': { type: 'string' },
  json: { type: 'boolean' }, 'show-secrets': { type: 'boolean' }, help: { type: 'boolean', short: 'h' }
} as const

/** Sends the backend what the running server would send, and explains the answer. */
export const check = async (args: string[]): Promise<number> => {
  const json = args.includes('--json')
  const showSecrets = args.includes('--show-secrets')
  let document: CheckDocument
  try {
    const { values, positionals } = parse(args)
    if (values.help === true) {
      process.stdout.write(CHECK_USAGE)
      return 0
    }
    document = await inspect(wishOf(values, positionals), showSecrets)
  } catch (error) {
    document = failed(error, showSecrets)
  }
  if (json) process.stdout.write(`${visibleJson(document)}\n`)
  else if (document.error === null) process.stdout.write(checkText(document))
  if (document.error !== null) process.stderr.write(`nms-http-auth check: ${document.error.message}\n`)
  return document.exitStatus
}

const parse = (args: string[]) => readArguments({ args, options: OPTIONS, allowPositionals: true })

const wishOf = (values: ReturnType<typeof parse>['values'], positionals: readonly string[]): Wish => {
  const [url, ...more] = positionals
  if (more.length > 0) throw new Misuse('one URL at a time; quote it, or the shell cuts it at &')
  if (values.config === undefined) throw new Misuse('name the config file of the server: nms-http-auth check [URL] -c config.json')
  if (url === undefined && (values.publish === true || values.ip !== undefined || values['user-agent'] !== undefined)) {
    throw new Misuse('--publish, --ip and --user-agent describe a client and need a URL')
  }
  return { url, config: values.config, publish: values.publish === true, ip: values.ip ?? ADDRESS, userAgent: values['user-agent'] ?? USER_AGENT }
}

const failed = (error: unknown, secretsShown: boolean): CheckDocument => {
  if (error instanceof HttpAuthError) return { ...NOTHING, secretsShown, error: { code: error.code, message: error.message }, exitStatus: 3 }
  if (!(error instanceof Misuse)) throw error
  return { ...NOTHING, secretsShown, error: { code: 'ERR_USAGE', message: `${error.message}\nSee: nms-http-auth check --help` }, exitStatus: 3 }
}
