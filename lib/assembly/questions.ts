import type { Authorize } from '../access/authorize.js'

/** The requests in flight to the same backends, whichever rules come first. */
export interface Questions {
  /** Counts the requests made through it. */
  counted(authorize: Authorize): Authorize
  /** Calls back once none is in flight; no new ones may start. */
  whenAnswered(over: () => void): void
}

export const createQuestions = (): Questions => {
  let out = 0
  let whenOver: (() => void) | undefined
  const answered = (): void => {
    out -= 1
    if (out === 0) whenOver?.()
  }
  return {
    counted: (authorize) => (request, signal) => {
      out += 1
      const answer = authorize(request, signal)
      answer.then(answered, answered)
      return answer
    },
    whenAnswered(over) {
      whenOver = over
      if (out === 0) over()
    }
  }
}
