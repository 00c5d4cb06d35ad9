#!/usr/bin/env node
import { closestMatch } from 'leven'
import { serve } from './command/serve.js'

const commands: Record<string, () => Promise<(args: string[]) => Promise<number | undefined>>> = {
  backend: async () => (await import('./command/backend.js')).backend,
  check: async () => (await import('./command/check.js')).check
}

const args = process.argv.slice(2)
const [name = '', ...rest] = args
const command = Object.hasOwn(commands, name) ? await commands[name]?.() : undefined
// Everything that node-media-server's own command line takes begins with a dash.
if (command !== undefined) process.exitCode = await command(rest)
else if (name === '' || name.startsWith('-')) serve(args)
else {
  const near = closestMatch(name, Object.keys(commands), { maxDistance: 3 })
  process.stderr.write(`nms-http-auth: unknown command ${JSON.stringify(name)}${near === undefined ? '' : `, did you mean "${near}"?`} See: nms-http-auth --help\n`)
  process.exitCode = 3
}
