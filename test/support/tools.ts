import { spawn as spawnProcess, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { connect } from 'node:net'
import { inTime, until } from './waiting.js'

export type Tool = 'ffmpeg' | 'ffprobe' | 'php' | 'chromium' | 'nginx' | 'haproxy' | 'curl' | 'ps' | 'mpv' | 'cvlc' | 'gst-launch-1.0' | 'prometheus' | 'promtool' | 'logrotate' | 'systemd-analyze' | 'redis-server'

/**
 * The path of a program that the tests need.
 * @throws Error that says how to get it
 */
export const tool = (name: Tool): string => {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch { /* the next folder may have it */ }
  }
  throw new Error(`${name} is missing: run npm run setup`)
}

/** A program that runs. It is killed with this process at the latest. */
export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  stdout(): string
  stderr(): string
  readonly exited: Promise<{ code: number | null, signal: NodeJS.Signals | null }>
  /** Asks it to end, and after a while makes it. */
  close(): Promise<void>
}

const children = new Set<ChildProcess>()
process.on('exit', () => { for (const child of children) child.kill('SIGKILL') })

/** Starts a program with its output collected. */
export const spawn = (command: string, args: readonly string[], options: SpawnOptions = {}): Running => {
  const child = spawnProcess(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  children.add(child)
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { err += text })
  const exited = new Promise<{ code: number | null, signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  exited.then(() => children.delete(child), () => children.delete(child))
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => out,
    stderr: () => err,
    exited,
    async close() {
      child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), 2000)
      await exited.catch(() => undefined)
      clearTimeout(force)
    }
  }
}

/** Runs a program to its end; kills it and rejects if that takes too long. */
export const run = async (
  command: string, args: readonly string[], { timeoutMs = 20_000, ...options }: SpawnOptions & { timeoutMs?: number } = {}
): Promise<{ code: number | null, stdout: string, stderr: string }> => {
  const running = spawn(command, args, options)
  try {
    const { code } = await inTime(running.exited, () => `${command} ${args.join(' ')} ends; it said ${running.stderr().slice(-2000)}`, timeoutMs)
    return { code, stdout: running.stdout(), stderr: running.stderr() }
  } finally {
    await running.close()
  }
}

/** A port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one themselves. */
export const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Whether somebody listens on a port of 127.0.0.1. */
export const listens = (port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => { socket.destroy(); resolve(true) })
  socket.once('error', () => resolve(false))
})

/** PHP's own server with one script for all requests. */
export interface PhpServer extends Running { readonly port: number, readonly url: string }

/** Starts `php -S` on a free port; another one is tried if somebody was faster. */
export const startPhp = async (script: string, { args = [], env = {} }: { args?: readonly string[], env?: Readonly<Record<string, string>> } = {}): Promise<PhpServer> => {
  const php = tool('php')
  for (let attempt = 0; ; attempt++) {
    const port = await freePort()
    const running = spawn(php, [...args, '-S', `127.0.0.1:${port}`, script], { env: { ...process.env, ...env } })
    let ended = false
    void running.exited.then(() => { ended = true })
    await until(async () => ended || await listens(port), 'php -S listens')
    if (!ended) return { ...running, port, url: `http://127.0.0.1:${port}` }
    if (attempt === 2) throw new Error(`php -S does not start: ${running.stderr()}`)
  }
}
