#!/usr/bin/env node
import { serve } from './command/serve.js'

const commands: Record<string, () => Promise<(args: string[]) => Promise<number | undefined>>> = {
  backend: async () => (await import('./command/backend.js')).backend
}

const [name = '', ...rest] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? await commands[name]?.() : undefined
if (command === undefined) serve(process.argv.slice(2))
else process.exitCode = await command(rest)
