import fc, { type Arbitrary } from 'fast-check'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Arena } from '../integration/hostile/arena.js'
import { watch } from './watch.js'

/** An input of a batch that showed what must not be. */
export class Counterexample extends Error {
  constructor(readonly index: number, error: unknown) {
    super(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** Something that is fuzzed: inputs of a kind, and what must hold of any number of them at once. */
export interface Subject<T> {
  readonly name: string
  readonly arbitrary: Arbitrary<T>
  /** Rejects if something does not hold; what comes after that finds everything as at the start. */
  run(inputs: readonly T[]): Promise<void>
  close(): Promise<void>
}

/** Runs inputs against a server, and against another one once something did not hold. */
export const inArena = <T>(
  open: () => Promise<Arena>, run: (arena: Arena, inputs: readonly T[]) => Promise<void>
): Pick<Subject<T>, 'run' | 'close'> => {
  let arena: Arena | undefined
  const close = async (): Promise<void> => {
    const closing = arena
    arena = undefined
    await closing?.close()
  }
  return {
    close,
    async run(inputs) {
      if (arena === undefined) {
        arena = await open()
        await watch(arena.server)
      }
      try {
        await run(arena, inputs)
      } catch (error) {
        // Where it has ended already, that is what is told here once more.
        await close().catch(() => undefined)
        throw error
      }
    }
  }
}

const FOLDER = fileURLToPath(new URL('regressions/', import.meta.url))

const errorOf = async (run: () => Promise<void>): Promise<Error | undefined> => {
  try {
    await run()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Which input of a batch is to blame; `undefined` if only several of them fail. */
const culprit = async <T>({ run }: Subject<T>, inputs: readonly T[], error: Error): Promise<number | undefined> => {
  if (error instanceof Counterexample) return error.index
  let from = 0
  let to = inputs.length
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if (await errorOf(() => run(inputs.slice(from, middle))) === undefined) from = middle
    else to = middle
  }
  return await errorOf(() => run(inputs.slice(from, to))) === undefined ? undefined : from
}

/** Buffers as hexadecimal text, marked as such. */
const pack = (input: unknown): string => JSON.stringify(input, (_, value: unknown) => {
  const { type, data } = (value ?? {}) as { type?: unknown, data?: number[] }
  return type === 'Buffer' && data !== undefined ? { hex: Buffer.from(data).toString('hex') } : value
}, 2)
const unpack = (text: string): unknown => JSON.parse(text, (_, value: unknown) => {
  const { hex } = (value ?? {}) as { hex?: unknown }
  return typeof hex === 'string' ? Buffer.from(hex, 'hex') : value
})

/**
 * Runs generated inputs, a batch at a time, each batch from a seed of its own. The smallest input that
 * fails alone is kept as a regression.
 *
 * @throws with that input and its seed
 */
export const fuzz = async <T>(subject: Subject<T>, { seed, count, batch, onBatch }: {
  seed: number, count: number, batch: number, onBatch?: (done: number) => void
}): Promise<void> => {
  const { name, arbitrary, run } = subject
  for (let done = 0; done < count; done += batch) {
    const own = seed + done
    const inputs = fc.sample(arbitrary, { seed: own, numRuns: Math.min(batch, count - done) })
    const error = await errorOf(() => run(inputs))
    if (error !== undefined) {
      const index = await culprit(subject, inputs, error)
      if (index === undefined) throw new Error(`${name}: seed ${own} failed as a batch only: ${error.message}`, { cause: error })
      // The same input again, as fast-check knows it, who can make it smaller.
      const { counterexample, errorInstance } = await fc.check(
        fc.asyncProperty(arbitrary, (input) => run([input])),
        { seed: own, path: String(index), numRuns: 1, interruptAfterTimeLimit: 120_000 })
      const text = pack(counterexample?.[0] ?? inputs[index])
      const file = join(FOLDER, `${name}-${own}-${index}.json`)
      writeFileSync(file, `${text}\n`)
      const found = `${name}: seed ${own}, input ${index}: ${error.message}`
      throw new Error(`${found}\nkept as ${file}, where it is ${String(errorInstance)}:\n${text}`, { cause: error })
    }
    onBatch?.(done + inputs.length)
  }
}

/** What failed once, by file name. */
export const regressions = <T>(name: string): [file: string, input: T][] => readdirSync(FOLDER)
  .filter((file) => file.startsWith(`${name}-`))
  .map((file) => [file, unpack(readFileSync(join(FOLDER, file), 'utf8')) as T])
