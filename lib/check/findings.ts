import { isIP } from 'node:net'
import { normalizeIp } from '../access/address.js'
import type { ActionDocument, QuestionDocument } from './document.js'

/** What is wrong with a backend's answer or with the way to it, or may be. */
export interface Finding {
  readonly text: string
  /** `refuses`: nobody gets in as long as it is so. `fault`: something is broken. `warning`: look whether it is meant. */
  readonly is: 'refuses' | 'fault' | 'warning'
}

/** What is in force for an action that is asked about. */
type Asked = Extract<ActionDocument, { asked: true }>

const refuses = (text: string): Finding[] => [{ is: 'refuses', text }]
const warning = (text: string): Finding[] => [{ is: 'warning', text }]

/** What the status says if the question was about nobody: everybody would be answered like that. */
const ofStatus = ({ url, status, headers }: QuestionDocument, { requireHeader, denyBody, redirects }: Asked): Finding[] => {
  if (status === null) return []
  if (status === 200) {
    if (requireHeader !== null && !(requireHeader.toLowerCase() in headers)) {
      return refuses(`${url} answers 200 without ${requireHeader}, as a portal with an error in its script does: nobody gets in`)
    }
    return denyBody ? [] : warning(`${url} answers 200 to a request without a token: does it let everybody in?`)
  }
  if (status < 300) return refuses(`${url} answers ${status}, and only 200 lets anybody in`)
  if (status < 400) {
    const to = headers['location']
    if (redirects && to !== undefined) return warning(`${url} redirects with status ${status} to ${to}: HTTP clients are sent there, and all others are refused`)
    return refuses(`${url} redirects with status ${status}${to === undefined ? '' : ` to ${to}`}, and redirects are not followed: write the address that it redirects to into url`)
  }
  if (status >= 500) {
    return refuses(`${url} answers ${status}: the backend has an error, or a reverse proxy before it answers in its place; see unavailableStatuses`)
  }
  return [404, 405, 410].includes(status)
    ? warning(`${url} answers ${status}: is the path of url right? It may be, if the backend answers so for a stream that it does not know`)
    : []
}

const ofSpeed = ({ url, timesMs: { total } }: QuestionDocument, { timeoutMs }: Asked): Finding[] =>
  total !== null && total > timeoutMs / 2 ? warning(`${url} took ${total} ms for its answer, more than half of timeoutMs (${timeoutMs})`) : []

const ofCertificate = ({ url }: QuestionDocument, { rejectUnauthorized }: Asked): Finding[] => url.startsWith('https:') && !rejectUnauthorized
  ? warning(`the certificate of ${url} is not checked (tls.rejectUnauthorized), so anybody on the way can answer in its place`)
  : []

/**
 * A backend that says in its answer (`X-Real-Ip`) that it was told another address than was sent.
 * nginx's usual `proxy_set_header X-Real-IP $remote_addr` puts the media server's in its place.
 */
const ofAddress = ({ url, headers, request }: QuestionDocument): Finding[] => {
  const named = normalizeIp(headers['x-real-ip'] ?? '')
  const sent = normalizeIp(request.headers.find(([name]) => name === 'X-Real-Ip')?.[1] ?? '')
  if (isIP(named) === 0 || named === sent) return []
  return [{
    is: 'fault',
    text: `the answer of ${url} names ${named} as the client's address, but ${sent} was sent: a proxy before the backend replaces X-Real-Ip. ` +
      'Have it pass the header on, or send the address as a parameter, too: "params": { "ip": "{ip}" }'
  }]
}

/** What one question and its answer say about the backend. */
export const findingsOf = (question: QuestionDocument, backend: Asked, aboutNobody: boolean): Finding[] => [
  ...(aboutNobody && question.failure === null ? ofStatus(question, backend) : []),
  ...ofAddress(question),
  ...ofSpeed(question, backend),
  ...ofCertificate(question, backend)
]
