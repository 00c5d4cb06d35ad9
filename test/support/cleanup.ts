/** Something that holds a process, a socket or a file until it is told not to. */
export interface Closable { close(): unknown }

/**
 * Collects what one test opens; `run` closes it all, last first, whatever happens meanwhile, and
 * then throws what went wrong first.
 */
export interface Cleanup {
  <T extends Closable>(thing: T): T
  run(): Promise<void>
}

export const cleanup = (): Cleanup => {
  const things: Closable[] = []
  const keep = <T extends Closable>(thing: T): T => {
    things.push(thing)
    return thing
  }
  const run = async (): Promise<void> => {
    const errors: unknown[] = []
    for (let thing = things.pop(); thing !== undefined; thing = things.pop()) {
      try {
        await thing.close()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
  return Object.assign(keep, { run })
}
