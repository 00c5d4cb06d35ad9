import { dirname } from 'node:path'
import type { Action } from '../access/request.js'
import type { BackendSettings, Settings } from '../access/settings.js'
import { allow, type Verdict } from '../access/verdict.js'
import { dialectOf } from '../nms/find.js'
import { findInstalled } from '../nms/installed.js'
import { NEWEST } from '../nms/supported.js'
import { probeStore } from '../store/probe.js'
import { redactStoreUrl } from '../options/redact.js'
import { readConfig, type Config } from '../options/config.js'
import { askedByUrl } from './asked-url.js'
import { Documents, type CheckDocument, type QuestionDocument } from './document.js'
import { pemFilesOf } from './curl.js'
import { decide, probe } from './decide.js'
import { askBackends } from './nobody.js'
import type { Question } from './questions.js'
import { newSessionId } from './session-id.js'
import { findingsAbout, withStore, wordsOf } from './words.js'

/** What to find out. */
export interface Wish {
  readonly url: string | undefined
  readonly config: string
  readonly publish: boolean
  readonly ip: string
  readonly userAgent: string
}

/** An empty document. */
export const NOTHING: CheckDocument = {
  file: null, error: null, contract: null, play: null, publish: null, accessRequest: null, questions: [], rule: null, verdict: null,
  unavailable: null, store: null, faults: [], warnings: [], secretsShown: false, exitStatus: 0
}

/**
 * Finds out what the running server would do, by going its own way once.
 * @throws HttpAuthError if the config cannot be used; Misuse if no client could open the URL
 */
export const inspect = async (wish: Wish, secretsShown: boolean): Promise<CheckDocument> => {
  const config = readConfig(wish.config)
  const { file, settings } = config
  const documents = new Documents(secretsShown)
  const store = settings === false || settings.store === undefined ? null
    : { urls: settings.store.urls.map(redactStoreUrl), ...await probeStore(settings.store) }
  const away = store !== null && 'reason' in store
  if (settings === false) return { ...NOTHING, file, secretsShown, verdict: wish.url === undefined ? null : allow('rule', 'httpAuth is false, everybody is let in') }
  const about = {
    ...NOTHING, file, secretsShown, store, contract: settings.contract, play: documents.action(settings, 'play'), publish: documents.action(settings, 'publish')
  }
  const describe = (question: Question, actions: readonly Action[], backend: BackendSettings): QuestionDocument =>
    documents.question(question, actions, backend, pemFilesOf(backend.tls, tlsSections(config), dirname(file)))
  if (wish.url === undefined) {
    const { questions, outage, answers } = await askBackends(settings, describe)
    const findings = findingsAbout(about, questions, true)
    const words = withStore(wordsOf(findings, settings), store)
    return {
      ...about,
      questions,
      unavailable: outage,
      ...words,
      // If the backend does not answer at all, that has been said already.
      warnings: answers ? [...words.warnings, ...await probe(settings)] : words.warnings,
      exitStatus: !answers || away ? 2 : findings.some(({ is }) => is === 'refuses') ? 1 : 0
    }
  }
  const premises = { ...settings, dialect: dialectOf(findInstalled() ?? { version: NEWEST }, config.sections) }
  const asked = await askedByUrl({ ...wish, url: wish.url, action: wish.publish ? 'publish' : 'play', sessionId: newSessionId() }, premises)
  const request = asked.asked
  const { verdict, questions, reason } = await decide(settings, asked)
  const backend = settings[request.action]
  const described = 'refuse' in backend ? [] : questions.map((question) => describe(question, [request.action], backend))
  const words = withStore(wordsOf(findingsAbout(about, described, false), settings), store)
  return {
    ...about,
    accessRequest: documents.accessRequest(request),
    questions: described,
    verdict,
    faults: [...verdict.fault === undefined ? [] : [verdict.fault], ...words.faults],
    warnings: words.warnings,
    rule: ruleOf(settings, verdict),
    unavailable: reason === undefined || 'refuse' in backend ? null : { reason, defaultAction: backend.defaultAction },
    exitStatus: reason !== undefined ? 2 : exitStatusOf(verdict)
  }
}

/** 2 for verdicts that say nothing about the client, because there was no answer. */
export const exitStatusOf = ({ allowed, source }: Pick<Verdict, 'allowed' | 'source'>): 0 | 1 | 2 =>
  source === 'unanswered' || source === 'overload' ? 2 : allowed ? 0 : 1

const ruleOf = ({ rules }: Settings, { source, reason }: Verdict): string | null =>
  source === 'rule' ? rules.find((_, index) => reason.endsWith(` rules[${index}]`))?.text ?? null : null

const tlsSections = ({ sections }: Config): unknown[] => {
  const section = sections['httpAuth'] as { tls?: unknown, publish?: { tls?: unknown } }
  return [section.publish?.tls, section.tls]
}

