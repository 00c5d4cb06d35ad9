import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import type { AccessRequest, Action } from '../access/request.js'
import type { BackendSettings, Settings } from '../access/settings.js'
import { allow, deny, type Verdict } from '../access/verdict.js'
import { createBackend } from '../backend/backend.js'
import { createChain } from '../chain.js'
import { BackendUnavailable } from '../errors.js'
import { createRegistry } from '../sessions/registry.js'
import { createDoor } from '../gate/door/door.js'
import { dialectOf } from '../nms/find.js'
import { findInstalled } from '../nms/installed.js'
import { NEWEST } from '../nms/supported.js'
import { maskSecrets } from '../mask.js'
import { probeStore } from '../store/probe.js'
import { redactStoreUrl } from '../options/redact.js'
import { readConfig, type Config } from '../options/config.js'
import { warningsOf } from '../options/warnings.js'
import { askedByUrl, type AskedByUrl } from './asked-url.js'
import { Documents, type CheckDocument, type QuestionDocument } from './document.js'
import { pemFilesOf } from './curl.js'
import { findingsOf, type Finding } from './findings.js'
import { recordQuestions, type Question } from './questions.js'

export const USER_AGENT = 'nms-http-auth-check'
export const ADDRESS = '127.0.0.1'

/** What is to be found out. */
export interface Wish {
  readonly url: string | undefined
  readonly config: string
  readonly publish: boolean
  readonly ip: string
  readonly userAgent: string
}

/** A document that says nothing. */
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
      // Of a backend that answers nobody that has been said.
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

/** 2 for verdicts that say nothing about the client, since there was no answer. */
export const exitStatusOf = ({ allowed, source }: Pick<Verdict, 'allowed' | 'source'>): 0 | 1 | 2 =>
  source === 'unanswered' || source === 'overload' ? 2 : allowed ? 0 : 1

const findingsAbout = (about: Pick<CheckDocument, 'play' | 'publish'>, questions: readonly QuestionDocument[], aboutNobody: boolean): Finding[] =>
  questions.flatMap((question) => {
    const backend = about[question.for[0] ?? 'play']
    return backend?.asked === true ? findingsOf(question, backend, aboutNobody) : []
  })

const wordsOf = (findings: readonly Finding[], settings: Settings): Pick<CheckDocument, 'faults' | 'warnings'> => {
  const texts = (warnings: boolean): string[] => findings.filter(({ is }) => (is === 'warning') === warnings).map(({ text }) => text)
  return { faults: texts(false), warnings: [...texts(true), ...warningsOf(settings)] }
}

/** Nobody is refused because of the store, but each server then counts by itself. */
const withStore = ({ faults, warnings }: Pick<CheckDocument, 'faults' | 'warnings'>, store: CheckDocument['store']): Pick<CheckDocument, 'faults' | 'warnings'> => ({
  faults: store !== null && 'reason' in store ? [...faults, `the store does not answer, so each server counts and remembers by itself: ${maskSecrets(store.reason)}`] : faults,
  warnings
})

interface Decided { readonly verdict: Verdict, readonly questions: readonly Question[], readonly reason: string | undefined }

/** What the answers to the neutral question say, as at the start. */
const probe = async (settings: Settings): Promise<readonly string[]> => {
  const chain = createChain(settings, { onBegin: nothing, onEnd: nothing, onOpen: nothing, onClose: nothing, onUnavailable: nothing })
  try {
    return await chain.probe()
  } finally {
    await chain.close()
  }
}

/** Goes the whole way behind the gates, once; what a gate decides by itself goes none. */
const decide = async (settings: Settings, asked: AskedByUrl): Promise<Decided> => {
  if ('malformed' in asked) return { verdict: deny('malformed', asked.malformed), questions: [], reason: undefined }
  if ('open' in asked) return { verdict: allow('rule', asked.open), questions: [], reason: undefined }
  let reason: string | undefined
  let verdict = deny('overload', 'nobody has decided')
  const chain = createChain(settings, {
    onBegin: nothing, onEnd: nothing, onOpen: nothing, onClose: nothing, onUnavailable: (_request, _verdict, error) => { reason = error.message }
  })
  const door = createDoor({
    authorize: chain.authorize, hold: () => nothing, bar: () => undefined, reserve: createRegistry().reserve, report: (_request, decided) => { verdict = decided }, onBug: (error) => { console.error('nms-http-auth check: internal error:', error) }
  })
  const record = recordQuestions()
  await door.admit({ asked: asked.asked }, new AbortController().signal)
  record.stop()
  await chain.close()
  return { verdict, questions: record.questions(), reason }
}

/** Asks every backend about nobody, for any final status. */
const askBackends = async (
  settings: Settings, describe: (question: Question, actions: readonly Action[], backend: BackendSettings) => QuestionDocument
): Promise<{ questions: QuestionDocument[], outage: CheckDocument['unavailable'], answers: boolean }> => {
  const { play, publish, actions } = settings
  const asked = new Map<BackendSettings, Action[]>()
  for (const action of actions) {
    const backend = action === 'play' ? play : publish
    if (!('refuse' in backend)) asked.set(backend, [...asked.get(backend) ?? [], action])
  }
  const questions: QuestionDocument[] = []
  let outage: CheckDocument['unavailable'] = null
  let answers = true
  for (const [backend, forActions] of asked) {
    const each = await Promise.all(backend.urls.map((url) => askAboutNobody({ ...backend, urls: [url] }, forActions[0] ?? 'play')))
    const up = each.filter(({ failure, status }) => failure === null && status !== null).length
    if (backend.strategy === 'any' ? up < each.length : up === 0) {
      answers = false
      const reason = each.find((question) => question.outage !== null)?.outage ?? null
      if (reason !== null) outage ??= { reason, defaultAction: backend.defaultAction }
    }
    questions.push(...each.map((question) => describe(question, forActions, backend)))
  }
  return { questions, outage, answers }
}

/** A question and why it proves an outage, if it does. */
interface AskedAboutNobody extends Question { readonly outage: string | null }

const askAboutNobody = async (settings: BackendSettings, action: Action): Promise<AskedAboutNobody> => {
  const request: AccessRequest = {
    sessionId: newSessionId(), action, protocol: 'http-flv', ip: ADDRESS, path: '/', origin: 'http://localhost', userAgent: USER_AGENT, query: '', streamPath: ''
  }
  const backend = createBackend(settings)
  const record = recordQuestions()
  let failure: string | null = null
  let outage: string | null = null
  try {
    const verdict = await backend.authorize(request, new AbortController().signal)
    if (verdict.source !== 'backend') failure = verdict.reason
  } catch (error) {
    if (!(error instanceof BackendUnavailable)) throw error
    failure = outage = error.message
  }
  record.stop()
  await backend.close()
  const [question] = record.questions().filter(({ url }) => url === settings.urls[0])
  if (question === undefined) throw new Error('no question was asked')
  return { ...question, failure: question.failure ?? failure, outage }
}

const ruleOf = ({ rules }: Settings, { source, reason }: Verdict): string | null =>
  source === 'rule' ? rules.find((_, index) => reason.endsWith(` rules[${index}]`))?.text ?? null : null

const tlsSections = ({ sections }: Config): unknown[] => {
  const section = sections['httpAuth'] as { tls?: unknown, publish?: { tls?: unknown } }
  return [section.publish?.tls, section.tls]
}

/** Unguessable, and to be told from those of clients in the log of the backend. */
const newSessionId = (): string => `check${randomBytes(12).toString('hex')}`

const nothing = (): void => undefined
