import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../lib/cli.ts', import.meta.url))
// The loader is named by its file: the command may run in a folder that has none.
const TSX = import.meta.resolve('tsx')

/** A command of the package in a process of its own. */
export interface Command {
  readonly child: ChildProcess
  /** All that it has printed so far. */
  stdout: string
  stderr: string
  /** Waits until what it printed matches; fails with the output if it ends before or takes too long. */
  prints(pattern: RegExp): Promise<RegExpExecArray>
  /** Waits for its end; the exit status, or the name of the signal that ended it. */
  ended(): Promise<number | string>
  /** Ends it, whatever it does. */
  kill(): Promise<void>
}

/** Longest that a command may take for anything, in milliseconds: the machine may be busy. */
const PATIENCE_MS = 15_000

export interface CommandOptions { readonly cwd?: string, readonly env?: NodeJS.ProcessEnv }

/** Runs Node with these arguments. */
export const runNode = (args: readonly string[], { cwd, env }: CommandOptions = {}): Command => {
  const child = spawn(process.execPath, args, {
    cwd, env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe']
  })
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  let changed = (): void => undefined
  const command: Command = {
    child,
    stdout: '',
    stderr: '',
    async prints(pattern) {
      const deadline = Date.now() + PATIENCE_MS
      for (;;) {
        const found = pattern.exec(command.stdout + command.stderr)
        if (found !== null) return found
        if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
          throw new Error(`never printed ${String(pattern)}; it printed:\n${command.stdout}\n${command.stderr}`)
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(1, deadline - Date.now()))
          changed = () => { clearTimeout(timer); resolve() }
        })
      }
    },
    async ended() {
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
      const [code, signal] = await closed
      clearTimeout(timer)
      return code ?? signal ?? 'unknown'
    },
    async kill() {
      child.kill('SIGKILL')
      await closed
    }
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      command[name] += text
      changed()
    })
  }
  child.once('close', () => changed())
  return command
}

export interface NmsCommandOptions extends CommandOptions {
  /** What is given to Node itself, before the program. */
  readonly node?: readonly string[]
}

/** Runs `nms-http-auth` with these arguments; TypeScript needs no build. */
export const runCommand = (args: readonly string[], { node = [], ...options }: NmsCommandOptions = {}): Command =>
  runNode(['--import', TSX, ...node, CLI, ...args], options)
