import type { Probed } from './backend.js'
import { operatorText } from './failure.js'

/** Warnings from the probes' answers, one sentence each, for the start and for `check`. */
export const probeWarnings = (probed: readonly Probed[]): string[] => probed.flatMap(({ at, outcome }) => {
  if (outcome.is === 'failed') {
    return [`the probe has no answer: ${operatorText(outcome.failure, at)}. As long as that is so, the backend is down or does not answer what "probe" names`]
  }
  return outcome.status === 200 ? [`${at} answers the probe with 200: whoever sends the same is let in. Name in "probe" what the backend looks up and refuses`] : []
})
