import { fork, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { HttpAuth } from '../../lib/handle.js'
import type { Outage } from '../../lib/observe/hub.js'
import type { httpAuth } from '../../lib/plugin.js'
import type { NmsContext, NmsInstance } from '../../lib/nms/v4/shapes.js'
import type { Options } from '../../lib/options/options.js'
import { certificatePath } from './certificates.js'
import type { Look } from './host-process.js'
import type { Decided, Failure, NmsEvent, Order, Ports, Report, SessionEvent, Start } from './server-messages.js'
import { inTime, PATIENCE_MS, sleep } from './waiting.js'

export type { Decided, NmsEvent, Ports, SessionEvent } from './server-messages.js'

/** What code that is evaluated in the server's process is given. */
export interface Inside {
  readonly nms: NmsInstance
  /** The handle, once the plugin is attached. */
  auth: HttpAuth | undefined
  readonly context: NmsContext
  readonly look: Look
  readonly httpAuth: typeof httpAuth
  /** Attaches the plugin with these options, or those the server was started with, and reports its events. */
  readonly attach: (options?: Options | false) => HttpAuth
  /** Loads one of NMS's modules, named relative to its `src`. */
  readonly load: (module: string) => unknown
  readonly require: NodeJS.Require
  /** Kept from one evaluation to the next. */
  readonly state: Record<string, unknown>
}

export interface ServerSettings {
  /**
   * Sections of NMS's config, over: all four listeners on ports of 127.0.0.1 that are free,
   * everything it stores in a temporary folder, no recording. `null` takes a section away.
   */
  readonly config?: Readonly<Record<string, object | string | boolean | null>>
  /** The plugin's options. Without them the config's own section `httpAuth` counts. */
  readonly options?: Options | false
  /** `false`: NMS alone. Default true. */
  readonly plugin?: boolean
  /** The plugin is attached only when NMS runs already. */
  readonly attachAfterRun?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** A node-media-server in a process of its own. */
export interface TestServer {
  readonly ports: Ports
  /** A temporary folder, removed when the server stops; `record`, `store` and `static` are in it. */
  readonly dir: string
  readonly pid: number
  /**
   * Runs a function in the server's process and resolves with its result. Its source travels, so it
   * sees nothing of the test; argument and result travel as JSON.
   */
  evaluate<R, A = undefined>(fn: (inside: Inside, argument: A) => R | Promise<R>, argument?: A): Promise<R>
  /** What NMS has emitted until now. */
  events(): Promise<NmsEvent[]>
  /** What the plugin has decided until now. */
  verdicts(): Promise<Decided[]>
  outages(): Promise<Outage[]>
  sessions(): Promise<SessionEvent[]>
  /** Standard output and error. */
  log(): string
  /** The first NMS event, past or to come, that matches. */
  waitForEvent(matches: Partial<NmsEvent> | ((event: NmsEvent) => boolean), ms?: number): Promise<NmsEvent>
  /** Waits until a function that runs in the server's process returns something true. */
  waitFor<R, A = undefined>(fn: (inside: Inside, argument: A) => R | Promise<R>, argument?: A, ms?: number): Promise<R>
  /** How the process ended. */
  readonly exited: Promise<{ code: number | null, signal: NodeJS.Signals | null }>
  readonly running: boolean
  /**
   * Stops NMS and waits until its process has ended by itself.
   * @throws if it has ended before, or holds something that keeps it alive
   */
  stop(): Promise<void>
  /** The same as `stop`. */
  close(): Promise<void>
  /** Ends it at once, for servers that are meant to break. */
  kill(): Promise<void>
}

/** An absolute URL, since the process runs in a folder of its own. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const PROCESS = fileURLToPath(new URL('server-process.ts', import.meta.url))
const children = new Set<ChildProcess>()
process.on('exit', () => { for (const child of children) child.kill('SIGKILL') })

/** Where code of the server's process failed. */
const toError = ({ name, message, code, stack }: Failure): Error =>
  Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }), ...(stack === undefined ? {} : { stack }) })

const configOf = (dir: string, own: ServerSettings['config'] = {}): object => {
  const tls = { port: 1, key: certificatePath('server.key'), cert: certificatePath('server.pem') }
  const config = {
    bind: '127.0.0.1',
    rtmp: { port: 1 }, http: { port: 1 }, rtmps: tls, https: tls,
    webadmin: { enable: false },
    store: { path: join(dir, 'store') },
    record: { auto: false, path: join(dir, 'record') },
    ...own
  }
  return Object.fromEntries(Object.entries(config).filter(([, section]) => section !== null))
}

/** Starts a server; see `TestServer`. */
export const startServer = async (settings: ServerSettings = {}): Promise<TestServer> => {
  const dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
  try {
    return await startIn(dir, settings)
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

const startIn = async (dir: string, { config, options, plugin = true, attachAfterRun = false, env = {} }: ServerSettings): Promise<TestServer> => {
  const child = fork(PROCESS, [], {
    cwd: dir, execArgv: ['--import', TSX], stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json', env: { ...process.env, ...env }
  })
  children.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { output += text })
  const tail = (): string => `the server's last words:\n${output.slice(-3000)}`

  let running = true
  let expected = false
  const exited = new Promise<{ code: number | null, signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => {
      running = false
      children.delete(child)
      resolve({ code, signal })
    })
  })
  const died = exited.then(({ code, signal }) => { throw new Error(`the server's process has ended (${signal ?? `code ${code}`}); ${tail()}`) })
  died.catch(() => undefined)

  const events: NmsEvent[] = []
  const verdicts: Decided[] = []
  const outages: Outage[] = []
  const sessions: SessionEvent[] = []
  const waiting = new Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>()
  const started = new Promise<Partial<Ports>>((resolve, reject) => {
    const start: Start = { config: configOf(dir, config), options: options ?? null, attach: !plugin ? 'never' : attachAfterRun ? 'after-run' : 'before-run' }
    child.on('message', (report: Report) => {
      switch (report.is) {
        case 'ready': return send({ is: 'start', start })
        case 'started': return resolve(report.ports)
        case 'failed': return reject(toError(report.error))
        case 'evaluated': {
          const asked = waiting.get(report.id)
          waiting.delete(report.id)
          return report.error === undefined ? asked?.resolve(report.value) : asked?.reject(toError(report.error))
        }
        case 'nms': events.push(report.event); return
        case 'verdict': verdicts.push(report.decided); return
        case 'unavailable': outages.push(report.outage); return
        case 'session': sessions.push({ event: report.event, session: report.session, at: report.at })
      }
    })
  })
  const send = (order: Order): void => { if (child.connected) child.send(order) }
  const kill = async (): Promise<void> => {
    expected = true
    child.kill('SIGKILL')
    await exited
    await rm(dir, { recursive: true, force: true })
  }

  let ports: Partial<Ports>
  try {
    ports = await inTime(Promise.race([started, died]), () => `the server starts; ${tail()}`, 3 * PATIENCE_MS)
  } catch (error) {
    await kill()
    throw error
  }

  let evaluations = 0
  const evaluate: TestServer['evaluate'] = <R, A>(fn: (inside: Inside, argument: A) => R | Promise<R>, argument?: A): Promise<R> => {
    const id = evaluations++
    const answered = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }))
    send({ is: 'evaluate', id, source: fn.toString(), argument })
    return Promise.race([answered as Promise<R>, died])
  }
  /** Reports come in order, so an answer says that all before it are here. */
  const upToDate = async <T>(list: T[]): Promise<T[]> => {
    await evaluate(() => undefined)
    return [...list]
  }
  const stop = async (): Promise<void> => {
    if (expected) return
    expected = true
    if (running) send({ is: 'stop' })
    try {
      const { code, signal } = await inTime(exited, () => `the server's process ends; ${tail()}`, 3 * PATIENCE_MS)
      if (code !== 0) throw new Error(`the server's process ended with ${signal ?? `code ${code}`}; ${tail()}`)
    } finally {
      await kill()
    }
  }

  return {
    ports: { rtmp: 0, rtmps: 0, http: 0, https: 0, ...ports },
    dir,
    pid: child.pid ?? 0,
    evaluate,
    events: () => upToDate(events),
    verdicts: () => upToDate(verdicts),
    outages: () => upToDate(outages),
    sessions: () => upToDate(sessions),
    log: () => output,
    async waitForEvent(matches, ms = PATIENCE_MS) {
      const fits = typeof matches === 'function' ? matches : (event: NmsEvent) =>
        Object.entries(matches).every(([key, value]) => event[key as keyof NmsEvent] === value)
      const end = Date.now() + ms
      for (;;) {
        const event = events.find(fits)
        if (event !== undefined) return event
        if (!running) await died
        if (Date.now() > end) throw new Error(`no such event within ${ms} ms: ${typeof matches === 'function' ? matches.toString() : JSON.stringify(matches)}; there were ${JSON.stringify(events)}`)
        await sleep(5)
      }
    },
    async waitFor(fn, argument, ms = PATIENCE_MS) {
      const end = Date.now() + ms
      for (;;) {
        const value = await evaluate(fn, argument)
        if (value) return value
        if (Date.now() > end) throw new Error(`not within ${ms} ms: ${fn.toString()}`)
        await sleep(10)
      }
    },
    exited,
    get running() { return running },
    stop,
    close: stop,
    kill
  }
}
