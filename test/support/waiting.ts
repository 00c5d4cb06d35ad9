/** How long a test waits for what must happen, in milliseconds: far longer than it ever takes. */
export const PATIENCE_MS = 30_000

/** What "within a second" may become on a machine that does other things, too. */
export const WITHIN_A_SECOND_MS = 3000

/** Resolves later; for tests of what must not happen meanwhile. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Waits until a condition holds.
 * @param what names the condition in the error
 */
export const until = async (
  condition: () => boolean | Promise<boolean>, what: string | (() => string), ms = PATIENCE_MS
): Promise<void> => {
  const end = Date.now() + ms
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${typeof what === 'string' ? what : what()}`)
    await sleep(5)
  }
}

/** Rejects if the promise takes too long. */
export const inTime = async <T>(promise: Promise<T>, what: string | (() => string), ms = PATIENCE_MS): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([promise, new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${typeof what === 'string' ? what : what()}`)), ms)
    })])
  } finally {
    clearTimeout(timer)
  }
}

/** Runs all of them, so many at a time, and resolves with their results in order. */
export const atMost = async <T>(limit: number, tasks: readonly (() => Promise<T>)[]): Promise<T[]> => {
  const results: T[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let index = next++; index < tasks.length; index = next++) results[index] = await tasks[index]!()
  }
  await Promise.all(Array.from({ length: limit }, work))
  return results
}
