import type { Settings } from '../access/settings.js'
import { maskSecrets } from '../mask.js'
import { warningsOf } from '../options/warnings.js'
import type { CheckDocument, QuestionDocument } from './document.js'
import { findingsOf, type Finding } from './findings.js'

/** What is printed besides the verdict. */
export type Words = Pick<CheckDocument, 'faults' | 'warnings'>

export const findingsAbout = (about: Pick<CheckDocument, 'play' | 'publish'>, questions: readonly QuestionDocument[], aboutNobody: boolean): Finding[] =>
  questions.flatMap((question) => {
    const backend = about[question.for[0] ?? 'play']
    return backend?.asked === true ? findingsOf(question, backend, aboutNobody) : []
  })

export const wordsOf = (findings: readonly Finding[], settings: Settings): Words => {
  const texts = (warnings: boolean): string[] => findings.filter(({ is }) => (is === 'warning') === warnings).map(({ text }) => text)
  return { faults: texts(false), warnings: [...texts(true), ...warningsOf(settings)] }
}

/** The store refuses nobody, but without it each server counts by itself. */
export const withStore = ({ faults, warnings }: Words, store: CheckDocument['store']): Words => ({
  faults: store !== null && 'reason' in store ? [...faults, `the store does not answer, so each server counts and remembers by itself: ${maskSecrets(store.reason)}`] : faults,
  warnings
})
