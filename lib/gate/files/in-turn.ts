/**
 * Makes a question be asked one at a time. What clients without an allow ask of the disk keeps one of
 * the process's few threads busy at most, however slow the disk is.
 *
 * @param maxWaiting - of those that wait; who comes then is answered with `undefined`
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
