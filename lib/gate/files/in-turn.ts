/**
 * Runs a function one call at a time. Disk look-ups for clients without an allow then keep at most one of the process's
 * few threads busy, however slow the disk is.
 *
 * @param maxWaiting - most calls that may wait; further ones get `undefined`
 */
export const inTurn = <Q, A>(ask: (question: Q) => Promise<A>, maxWaiting: number): (question: Q) => Promise<A | undefined> => {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return (question) => {
    if (waiting >= maxWaiting) return Promise.resolve(undefined)
    waiting += 1
    const answer = last.then(() => ask(question)).finally(() => { waiting -= 1 })
    last = answer.catch(() => undefined)
    return answer
  }
}
