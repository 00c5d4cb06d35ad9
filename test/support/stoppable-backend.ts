/**
 * A backend in a process of its own, which can be stopped and go on like any other, with so many workers. Token 123 is
 * let in, any other refused; what it hangs on, or drops, is in its arguments. Started by `startStoppable`.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { certificatePath } from './certificates.js'

export interface Behaviour {
  readonly tls?: boolean
  /** Requests that are worked on at once; the others wait. Default without limit. */
  readonly workers?: number
  /** How long one takes, in milliseconds. */
  readonly workMs?: number
  /** What it does with a request whose target contains `on`. */
  readonly fault?: { readonly on: string, readonly is: 'hang' | 'close' | 'continue' | 'crash' }
  /** What it does with a request without any token. */
  readonly withoutToken?: 'hang' | 'close'
  /** Of ten requests so many get a 503 at once. */
  readonly shed?: number
}

export interface Stoppable {
  readonly url: string
  readonly port: number
  stop(): void
  goOn(): void
  close(): Promise<void>
}

export const startStoppable = async (behaviour: Behaviour = {}): Promise<Stoppable> => {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [JSON.stringify(behaviour)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [port] = await once(child, 'message') as [number]
  return {
    port,
    url: `${behaviour.tls === true ? 'https' : 'http'}://127.0.0.1:${port}`,
    stop: () => { child.kill('SIGSTOP') },
    goOn: () => { child.kill('SIGCONT') },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
}

const serve = ({ tls = false, workers = Infinity, workMs = 0, fault, withoutToken, shed = 0 }: Behaviour): void => {
  const queue: (() => void)[] = []
  let working = 0
  let count = 0
  const next = (): void => {
    if (working >= workers) return
    const work = queue.shift()
    if (work === undefined) return
    working += 1
    setTimeout(() => { working -= 1; work(); next() }, workMs)
  }
  const listener = ({ url = '', socket }: IncomingMessage, response: ServerResponse): void => {
    const how = fault !== undefined && url.includes(fault.on) ? fault.is : !url.includes('token=') ? withoutToken : undefined
    if (how === 'hang') return
    if (how === 'close') return void socket.destroy()
    if (how === 'continue') return void socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    count += 1
    if (count % 10 < shed) return void response.writeHead(503).end()
    queue.push(() => response.writeHead(url.includes('token=123') ? 200 : 403).end())
    next()
  }
  const server = tls
    ? createSecureServer({ key: readFileSync(certificatePath('server.key')), cert: readFileSync(certificatePath('server.pem')) }, listener)
    : createServer(listener)
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve(JSON.parse(process.argv[2] ?? '{}') as Behaviour)
