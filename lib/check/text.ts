import { clientReason, statusOf } from '../gate/door/refusal.js'
import { printable } from '../mask.js'
import type { ActionDocument, CheckDocument, QuestionDocument } from './document.js'

const COLUMN = 10

/** A paragraph: a title in front of the first line, the others indented below. */
const paragraph = (title: string, lines: readonly string[]): string[] =>
  lines.map((line, index) => `${(index === 0 ? title : '').padEnd(COLUMN)} ${line}`)

const ms = (value: number | null): string => value === null ? '-' : `${value} ms`

const entries = (record: Readonly<Record<string, string>>): string => Object.entries(record).map(([name, value]) => `${name}=${value}`).join(' ')

const settings = (action: ActionDocument): string[] => {
  if (!action.asked) return [action.why]
  return [
    action.urls.join(action.strategy === 'any' ? ' and at once ' : ', then '),
    `timeoutMs ${action.timeoutMs}, defaultAction ${action.defaultAction}${action.defaultAction === 'allow' ? ' (EVERYBODY gets in during an outage)' : ''}`,
    ...(Object.keys(action.params).length === 0 ? [] : [`params ${entries(action.params)}`]),
    ...(Object.keys(action.headers).length === 0 ? [] : [`headers ${entries(action.headers)}`]),
    ...(action.requireHeader === null ? [] : [`requireHeader ${action.requireHeader}: a 200 without it is a denial`]),
    ...(action.denyBody ? ['denyBody: a 200 whose body does not say "error": 0 is a denial'] : []),
    ...(action.unavailableStatuses.length === 0 ? [] : [`unavailableStatuses ${action.unavailableStatuses.join(', ')}`]),
    ...(action.rememberMs === 0 ? [] : [`rememberMs ${action.rememberMs}`]),
    ...(action.rememberDenialMs === 0 ? [] : [`rememberDenialMs ${action.rememberDenialMs}`]),
    ...(action.redirects ? ['redirects: a redirect sends HTTP clients there'] : []),
    ...(action.lastVerdictMs === 0 ? [] : [`lastVerdictMs ${action.lastVerdictMs}`]),
    ...(action.rejectUnauthorized ? [] : ['the certificate of the backend is NOT checked'])
  ]
}

const question = ({ url, request, curl, peer, status, headers, timesMs, failure }: QuestionDocument, secretsShown: boolean): string[] => [
  '',
  ...paragraph('request', [`to ${url}${peer === null ? '' : ` at ${peer}`}`, `GET ${request.target} HTTP/1.1`,
    ...request.headers.map(([name, value]) => `${name}: ${value}`)].map((line) => printable(line, 8192))),
  '',
  ...(secretsShown ? [] : ['(tokens are masked, so this command sends ***; --show-secrets shows them)']),
  curl,
  '',
  ...paragraph('answer', [
    ...(status === null ? [] : [`status ${status}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].map((line) => printable(line))),
    ...(failure === null ? [] : [`not usable: ${failure}`]),
    ...(status === null && failure === null ? ['none'] : [])
  ]),
  ...paragraph('times', [`DNS ${ms(timesMs.dns)}, connect ${ms(timesMs.connect)}, TLS ${ms(timesMs.tls)}, first byte ${ms(timesMs.firstByte)}, total ${ms(timesMs.total)}`])
]

const verdictLines = (document: CheckDocument): string[] => {
  const { accessRequest, verdict, rule, unavailable } = document
  if (verdict === null) return []
  const says = verdict.allowed ? 'ALLOW' : 'DENY'
  const rtmp = accessRequest?.protocol.startsWith('rtmp') ?? false
  return [
    unavailable === null ? `${says} by ${verdict.source}: ${verdict.reason}` : `UNAVAILABLE: ${unavailable.reason}`,
    ...defaultAction(document),
    ...(rule === null ? [] : [rule]),
    ...(verdict.source === 'rule' ? ['the backend is not asked'] : []),
    ...(verdict.fault === undefined ? [] : [`fault of the backend: ${verdict.fault}`]),
    ...(verdict.userId === undefined ? [] : [`user ${printable(verdict.userId)}`]),
    ...(verdict.validForMs === undefined ? [] : [`remembered for ${verdict.validForMs / 1000} s, as the backend says`]),
    ...(verdict.status !== undefined && verdict.status >= 300 && verdict.status < 400 ? [verdict.location === undefined ? 'redirects deny and are never followed' : 'the redirect sends HTTP clients there and refuses all others'] : []),
    ...(verdict.allowed ? [] : [`the client is told: ${rtmp ? '' : `${statusOf(verdict)} `}${clientReason(verdict)}`])
  ]
}

const RESULTS = {
  0: ['the config is valid and the backend answers'],
  1: ['the config is valid and the backend answers, but with this answer nobody gets in'],
  2: ['UNAVAILABLE: too few backends answer for a verdict'],
  3: []
} as const

const defaultAction = ({ unavailable }: CheckDocument): string[] => unavailable === null ? []
  : [`the default action is ${unavailable.defaultAction}: clients would be ${unavailable.defaultAction === 'allow' ? 'let in' : 'refused'}`]

const storeLines = ({ store }: CheckDocument): string[] => store === null ? [] : [
  store.urls.join(', '),
  'reason' in store ? `no answer: ${store.reason}` : `connected in ${store.connectMs} ms, wrote and read in ${store.answerMs} ms`
].map((line) => printable(line))

/** Whether the exit status is 2 only because of the store. */
const answersAlone = ({ store, questions, unavailable }: CheckDocument): boolean =>
  store !== null && 'reason' in store && unavailable === null && questions.every(({ status }) => status !== null)

const result = (document: CheckDocument): string[] => {
  const { questions, verdict, exitStatus } = document
  if (verdict !== null || questions.length === 0) return []
  const lines = answersAlone(document) ? ['the config is valid and the backend answers, but the store does not']
    : exitStatus === 2 && questions.length === 1 ? ['UNAVAILABLE: the backend does not answer'] : RESULTS[exitStatus]
  return ['', ...paragraph('result', [...lines, ...defaultAction(document)])]
}

const findings = ({ verdict, faults, warnings }: CheckDocument): string[] => [
  ...faults.filter((text) => text !== verdict?.fault).flatMap((text) => paragraph('FAULT', [printable(text, 1024)])),
  ...warnings.flatMap((text) => paragraph('WARNING', [printable(text, 1024)]))
]

/** Formats the document for people. */
export const checkText = (document: CheckDocument): string => {
  const { file, error, contract, play, publish, accessRequest, questions, secretsShown } = document
  if (error !== null) return `${error.message}\n`
  const verdict = verdictLines(document)
  return `${[
    ...paragraph('config', [`${file} is valid`, ...(contract === null ? ['httpAuth is false: this node-media-server is OPEN to everybody'] : [`contract: ${contract}`])]),
    ...(play === null || accessRequest?.action === 'publish' ? [] : paragraph('play', settings(play))),
    ...(publish === null || accessRequest?.action === 'play' ? [] : paragraph('publish', settings(publish))),
    ...paragraph('store', storeLines(document)),
    ...(accessRequest === null ? [] : ['', ...paragraph('client', [
      `${accessRequest.action} ${accessRequest.path} over ${accessRequest.protocol} by ${accessRequest.ip}, stream ${accessRequest.streamPath || 'none'}`
    ].map((line) => printable(line)))]),
    ...questions.flatMap((each) => question(each, secretsShown)),
    ...(verdict.length === 0 ? [] : ['', ...paragraph('verdict', verdict)]),
    ...result(document),
    ...findings(document)
  ].join('\n')}\n`
}
