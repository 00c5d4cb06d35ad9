/** A question from the parent process, and the answer. */
export interface Call { readonly id: number, readonly name: string, readonly argument: unknown }
export type Answer = { readonly id: number, readonly value: unknown } | { readonly id: number, readonly error: string }

/** What a process of a bench can be told to do. */
export type Orders = Readonly<Record<string, (argument: never) => unknown>>

/** Carries out what the parent process says, and ends with it. */
export const answer = (orders: Orders): void => {
  const tell = (what: Answer | { ready: true }): void => { if (process.connected) process.send?.(what) }
  process.on('disconnect', () => process.exit(0))
  process.on('message', ({ id, name, argument }: Call) => {
    if (name === 'exit') process.exit(0)
    const order = orders[name] as ((argument: unknown) => unknown) | undefined
    Promise.resolve()
      .then(() => { if (order === undefined) throw new Error(`no such order: ${name}`); return order(argument) })
      .then((value) => tell({ id, value }), (error: unknown) => tell({ id, error: error instanceof Error ? error.stack ?? error.message : String(error) }))
  })
  tell({ ready: true })
}
