import type { AccessRequest, Action } from '../access/request.js'
import type { BackendSettings, Settings } from '../access/settings.js'
import { createBackend } from '../backend/backend.js'
import { BackendUnavailable } from '../errors.js'
import { ADDRESS, USER_AGENT } from './client.js'
import type { CheckDocument, QuestionDocument } from './document.js'
import { recordQuestions, type Question } from './questions.js'
import { newSessionId } from './session-id.js'

/** Sends every backend a request without a client; any final status will do. */
export const askBackends = async (
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

/** A request, and why it proves an outage, if it does. */
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
