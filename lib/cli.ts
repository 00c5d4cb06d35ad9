#!/usr/bin/env node
import { closestMatch } from 'leven'
import { endWithLauncher } from './command/launcher.js'
import { safely } from './safely.js'

type Command = (args: string[]) => Promise<number | undefined>

const commands: Record<string, () => Promise<Command>> = {
  backend: async () => (await import('./command/backend.js')).backend,
  check: async () => (await import('./command/check.js')).check,
  end: async () => (await import('./command/end.js')).end,
  sessions: async () => (await import('./command/sessions.js')).sessions,
  watch: async () => (await import('./command/watch.js')).watch,
  why: async () => (await import('./command/why.js')).why
}
const HELP = ['help', '--help', '-h']
const VERSION = ['version', '--version', '-v', '-V']

const serve: Command = async (args) => (await import('./command/serve.js')).serve(args)
const commandOf = async (name: string): Promise<Command | undefined> => Object.hasOwn(commands, name) ? commands[name]?.() : undefined

const unknown = (name: string): number => {
  const near = closestMatch(name, [...Object.keys(commands), 'help', 'version'], { maxDistance: 3 })
  process.stderr.write(`nms-http-auth: unknown command ${JSON.stringify(name)}${near === undefined ? '' : `, did you mean "${near}"?`} See: nms-http-auth --help\n`)
  return 3
}

/** Everything that node-media-server's own command line takes begins with a dash. */
const main = async ([name = '', ...rest]: string[]): Promise<number | undefined> => {
  if (VERSION.includes(name)) {
    process.stdout.write((await import('./command/version.js')).versionText())
    return 0
  }
  if (HELP.includes(name)) {
    const [about] = rest
    if (about === undefined) return serve(['--help'])
    return await (await commandOf(about))?.(['--help']) ?? unknown(about)
  }
  const command = await commandOf(name)
  if (command !== undefined) return command(rest)
  return name === '' || name.startsWith('-') ? serve([name, ...rest].filter((each) => each !== '')) : unknown(name)
}

endWithLauncher()
// Whoever read our output may have had enough of it, as `head` has: a server goes on, and what prints once ends with its own status.
for (const output of [process.stdout, process.stderr]) output.on('error', safely(undefined, () => undefined))
process.exitCode = await main(process.argv.slice(2))
