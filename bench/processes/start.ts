import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Call, Orders } from './answer.js'

/** A process of a bench, and what it can be told to do. */
export interface Helper<O extends Orders> {
  call<K extends keyof O & string>(name: K, ...argument: Parameters<O[K]>): Promise<Awaited<ReturnType<O[K]>>>
  close(): Promise<void>
}

const running = new Set<ChildProcess>()
process.on('exit', () => { for (const child of running) child.kill('SIGKILL') })

/** Where profiles go, if they are asked for: `BENCH_PROFILE=server:cpu` or `asker:heap`, into the folder `BENCH_PROFILE_DIR`. */
const profiling = (name: string): string[] => {
  const [of, kind] = (process.env['BENCH_PROFILE'] ?? '').split(':')
  return of === name ? [`--${kind}-prof`, `--${kind}-prof-dir=${process.env['BENCH_PROFILE_DIR'] ?? '.'}`] : []
}

/**
 * Starts one of the processes beside this file. Only its own code goes through the loader of
 * TypeScript; node-media-server and the plugin run as they are installed.
 */
export const startHelper = async <O extends Orders>(name: 'server' | 'backend' | 'load' | 'asker' | 'lists'): Promise<Helper<O>> => {
  const child = fork(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), [], {
    execArgv: ['--import', 'tsx', '--expose-gc', ...profiling(name)], stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced'
  })
  running.add(child)
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { errors = (errors + text).slice(-4000) })
  const waiting = new Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>()
  let calls = 0
  const ended = new Promise<void>((resolve) => child.once('exit', () => {
    running.delete(child)
    for (const { reject } of waiting.values()) reject(new Error(`the process "${name}" has ended: ${errors}`))
    resolve()
  }))
  await new Promise<void>((resolve, reject) => {
    child.on('message', (message: Answer | { ready: true }) => {
      if ('ready' in message) return resolve()
      const asked = waiting.get(message.id)
      waiting.delete(message.id)
      if ('error' in message) asked?.reject(new Error(`${name}: ${message.error}`))
      else asked?.resolve(message.value)
    })
    void ended.then(() => reject(new Error(`the process "${name}" does not start: ${errors}`)))
  })
  return {
    call: (order, ...[argument]) => new Promise((resolve, reject) => {
      const id = calls++
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      child.send({ id, name: order, argument } satisfies Call)
    }),
    async close() {
      child.send({ id: -1, name: 'exit', argument: undefined } satisfies Call)
      const force = setTimeout(() => child.kill('SIGKILL'), 5000)
      await ended
      clearTimeout(force)
    }
  }
}
