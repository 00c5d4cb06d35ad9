import { createRequire } from 'node:module'
import { join } from 'node:path'
import { inspect, parseArgs } from 'node:util'
import { HttpAuthError } from '../errors.js'
import type { HttpAuth } from '../handle.js'
import { preload } from '../preload.js'
import { readConfig } from '../options/config.js'

const USAGE = `nms-http-auth: node-media-server with its clients held at the door until your backend has said 200

  nms-http-auth -c config.json [options of node-media-server]
      runs node-media-server; config.json needs a section "httpAuth"
  nms-http-auth check [URL] -c config.json
      asks the backend as the running server would, and tells why it answers as it does
  nms-http-auth backend [--port 6000] [--token 123]
      a small backend to try things with

On SIGUSR2 it prints what has been decided so far.

The options of node-media-server:
`

/** Runs node-media-server's own command line, its server guarded. All arguments are NMS's. */
export const serve = (args: string[]): void => {
  const { values } = parseArgs({
    args, strict: false, options: { config: { type: 'string', short: 'c' }, help: { type: 'boolean', short: 'h' } }
  })
  if (values.help === true) process.stdout.write(USAGE)
  else refuseUnusable(typeof values.config === 'string' ? values.config : undefined)

  const handles: HttpAuth[] = []
  preload((handle) => handles.push(handle))
  process.on('SIGUSR2', () => {
    for (const handle of handles) console.log(`[http-auth] ${inspect(handle.stats(), { depth: null, compact: true, breakLength: Infinity })}`)
  })
  const main = findMain()
  process.argv = [process.argv[0] ?? 'node', main, ...args]
  createRequire(main)(main)
}

/**
 * NMS rewrites its config file before it runs: one that cannot be used, or is not meant for this,
 * must stay as it is.
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

const refuse = (message: string): void => {
  process.stderr.write(`nms-http-auth: node-media-server was not started: ${message}\n`)
  process.exit(1)
}

/** NMS's command line, installed beside this package or in the folder that it is called from. */
const findMain = (): string => {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from).resolve('node-media-server/bin/app.js')
    } catch { /* the next place may have it */ }
  }
  refuse('node-media-server is not installed; run: npm install node-media-server@4')
  return ''
}
