import { networks } from '../access/address.js'
import type { Settings } from '../access/settings.js'
import type { Chain } from './chain.js'
import { createCors } from '../gate/http/cors.js'
import type { Gates } from './gates.js'
import { asksAlike, refuseFixed, type Generation } from './generation.js'
import { createQuestions } from './questions.js'

/** The generation in force, and the backends of earlier ones that have requests in flight. */
export interface Generations {
  readonly now: Generation
  /**
   * Replaces the generation in force. Backends that are no longer used are closed after their last answer.
   * @returns whether the backends changed, so that nothing is known about them yet
   * @throws HttpAuthError `ERR_OPTIONS` if something changed that needs a restart; then nothing is replaced
   */
  replace(next: Settings): boolean
  /** Closes the connections to all backends. */
  close(): Promise<void>
}

export const createGenerations = (first: Settings, makeChain: (by: Settings) => Chain, httpOf: Gates['http']): Generations => {
  /** Closes a chain's backends; chains with the same backends share one function. */
  const open = new Set<Chain['close']>()
  const make = (by: Settings, { chain, questions }: Pick<Generation, 'chain' | 'questions'>): Generation => {
    const [trusted, cors] = [networks(by.trustProxy), createCors(by.cors)]
    const generation = { settings: by, chain, questions, authorize: questions.counted(chain.authorize), trusted, cors, http: httpOf(by, trusted, cors) }
    open.add(chain.close)
    return generation
  }
  let now = make(first, { chain: makeChain(first), questions: createQuestions() })
  return {
    get now() { return now },
    replace(next) {
      const { settings, chain, questions } = now
      refuseFixed(settings, next)
      if (asksAlike(settings, next)) {
        now = make(next, { chain: chain.withRules(next), questions })
        return false
      }
      now = make(next, { chain: makeChain(next), questions: createQuestions() })
      questions.whenAnswered(() => {
        open.delete(chain.close)
        void chain.close()
      })
      return true
    },
    close: async () => { await Promise.all([...open].map((close) => close())) }
  }
}
