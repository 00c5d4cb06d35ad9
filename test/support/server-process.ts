/**
 * The process of one node-media-server, started by `server.ts`: builds it, attaches the plugin as
 * it is told, reports what NMS and the plugin emit, and carries out what the test sends.
 */
import { createRequire } from 'node:module'
import { runInThisContext } from 'node:vm'
import type { HttpAuth } from '../../lib/handle.js'
import { httpAuth } from '../../lib/index.js'
import type { Options } from '../../lib/options/options.js'
import { build } from './host-process.js'
import type { Inside } from './server.js'
import type { Failure, Order, Report, Start } from './server-messages.js'

const require = createRequire(import.meta.url)
/** How long a stopped server may take to let its process end, in milliseconds. */
const LEAVING_MS = 5000

// What the test sends was compiled by esbuild, which names functions by this helper.
Object.assign(globalThis, { __name: (named: unknown) => named })

const tell = (report: Report): void => { if (process.connected) process.send?.(report) }

const failure = (thrown: unknown): Failure => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const { code } = error as NodeJS.ErrnoException
  return { name: error.name, message: error.message, ...(code === undefined ? {} : { code }), ...(error.stack === undefined ? {} : { stack: error.stack }) }
}

const reportHandle = (handle: HttpAuth): HttpAuth => handle
  .on('verdict', (request, verdict) => tell({ is: 'verdict', decided: { request, verdict, at: Date.now() } }))
  .on('unavailable', (outage) => tell({ is: 'unavailable', outage }))
  .on('session', (event, session) => tell({ is: 'session', event, session, at: Date.now() }))

const start = async ({ config, options, attach }: Start): Promise<Inside> => {
  const { nms, context, look, load, onEvents, run } = build(config)
  onEvents((event) => tell({ is: 'nms', event }))
  const inside: Inside = {
    nms, context, look, load, require, httpAuth, state: {}, auth: undefined,
    attach: (own: Options | false | null = options) => {
      inside.auth = reportHandle(own === null ? httpAuth(nms) : httpAuth(nms, own))
      return inside.auth
    }
  }
  if (attach === 'before-run') inside.attach()
  const ports = await run()
  if (attach === 'after-run') inside.attach()
  tell({ is: 'started', ports })
  return inside
}

const evaluate = (inside: Inside, source: string, argument: unknown): unknown =>
  (runInThisContext(`(${source})`) as (inside: Inside, argument: unknown) => unknown)(inside, argument)

const stop = async ({ nms }: Inside): Promise<void> => {
  await nms.stop()
  setTimeout(() => {
    process.stderr.write(`the stopped server still holds: ${process.getActiveResourcesInfo().join(', ')}\n`)
    process.exit(3)
  }, LEAVING_MS).unref()
  process.off('disconnect', abandoned)
  process.disconnect()
}

const abandoned = (): void => { process.exit(4) }
process.on('disconnect', abandoned)

let running: Promise<Inside> | undefined
process.on('message', (order: Order) => {
  switch (order.is) {
    case 'start':
      running = start(order.start)
      running.catch((error: unknown) => tell({ is: 'failed', error: failure(error) }))
      return
    case 'evaluate':
      running?.then((inside) => evaluate(inside, order.source, order.argument)).then(
        (value) => tell({ is: 'evaluated', id: order.id, value }),
        (error: unknown) => tell({ is: 'evaluated', id: order.id, error: failure(error) }))
      return
    case 'stop':
      void running?.then(stop)
  }
})
tell({ is: 'ready' })
