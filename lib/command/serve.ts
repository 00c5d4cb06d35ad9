import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { inspect, parseArgs } from 'node:util'
import { HttpAuthError } from '../errors.js'
import type { HttpAuth } from '../handle.js'
import { preload } from '../preload.js'
import { readConfig } from '../options/config.js'
import { safely } from '../safely.js'
import { inWords, unknownFlag } from './arguments.js'
import { findInstalled, type Installed } from '../nms/installed.js'
import { startFromConfig, takesConfigFile } from '../nms/start.js'
import { NMS_FLAGS } from '../nms/v4/command-line.js'

const USAGE = `nms-http-auth: node-media-server that lets clients in when your backend says 200

  nms-http-auth -c config.json [options of node-media-server]
      runs node-media-server; config.json needs a section "httpAuth"
  nms-http-auth check [URL] -c config.json
      sends the backend what the running server would send, and explains the answer
  nms-http-auth backend [--port 6000] [--token 123]
      a small backend for trying things out
  nms-http-auth sessions | why WHAT | end SESSION | watch -c config.json
      list sessions, explain a verdict, end a session, print events: of a running server with the section admin
  nms-http-auth help [COMMAND], nms-http-auth --version

On SIGUSR2 it prints its counts. On SIGHUP it reloads the section httpAuth; a mistake there changes
nothing. On SIGTERM it drains: new clients are refused, running sessions may go on for drainMs, then
it exits.

The options of node-media-server:
`

/** Runs node-media-server's own command line with the server guarded. All arguments are NMS's. */
export const serve = (args: string[]): undefined => {
  const { values } = parseArgs({ args, strict: false, options: NMS_FLAGS })
  const unknown = unknownFlag(args, NMS_FLAGS)
  if (values.help === true) process.stdout.write(USAGE)
  else if (unknown?.near !== undefined) refuse(`${inWords(unknown)} (see --help)`)
  else refuseUnusable(typeof values.config === 'string' ? values.config : undefined)

  const handles: HttpAuth[] = []
  preload((handle) => handles.push(handle))
  process.on('SIGUSR2', safely(undefined, () => {
    for (const handle of handles) console.log(`[http-auth] ${inspect(handle.stats(), { depth: null, compact: true, breakLength: Infinity })}`)
  }))
  process.on('SIGHUP', safely(undefined, () => {
    for (const handle of handles) {
      handle.reload().catch((error: unknown) => process.stderr.write(`nms-http-auth: not reloaded, the options stay as they were: ${error instanceof Error ? error.message : String(error)}\n`))
    }
  }))
  drainOnSigterm(handles)
  const installed = findInstalled() ?? refuse('node-media-server is not installed; run: npm install node-media-server@4')
  if (!takesConfigFile(installed.version)) return startWithout(installed, args, values)
  const main = join(installed.dir, 'bin', 'app.js')
  process.argv = [process.argv[0] ?? 'node', main, ...args]
  createRequire(main)(main)
}

/** Drains at the first SIGTERM, and ends at once at the second. */
const drainOnSigterm = (handles: readonly HttpAuth[]): void => {
  let draining = false
  let echoes = 0
  process.on('SIGTERM', safely(undefined, () => {
    if (!draining) {
      draining = true
      // NMS 4's store answers a SIGTERM with another one to its own process, which must not end the drain.
      echoes = process.listenerCount('SIGTERM') - 1
      void Promise.allSettled(handles.map((handle) => handle.drain())).then(() => process.exit(0))
    } else if (echoes > 0) echoes -= 1
    else process.exit(143)
  }))
}

/** Runs a node-media-server whose own command line takes no config file. */
const startWithout = (installed: Installed, args: string[], { config, help }: { config?: unknown, help?: unknown }): undefined => {
  if (help === true) return
  if (args.length > (args[0]?.includes('=') === true ? 1 : 2)) refuse(`node-media-server ${installed.version} is run from its config file alone: nms-http-auth -c config.json`)
  const file = resolve(String(config))
  startFromConfig(installed, JSON.parse(readFileSync(file, 'utf8')) as object, file)
}

/**
 * NMS rewrites its config file before it runs. A file that cannot be used, or is not meant for this, must not be changed.
 */
const refuseUnusable = (file: string | undefined): void => {
  if (file === undefined) return refuse('give it a config file: nms-http-auth -c config.json (see --help)')
  try {
    readConfig(file)
  } catch (error) {
    if (!(error instanceof HttpAuthError)) throw error
    refuse(error.message)
  }
}

const refuse = (message: string): never => {
  process.stderr.write(`nms-http-auth: node-media-server was not started: ${message}\n`)
  process.exit(1)
}
