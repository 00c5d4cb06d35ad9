import { isIP } from 'node:net'
import { normalizeIp } from '../access/address.js'
import type { ActionDocument, QuestionDocument } from './document.js'

/** A problem, or a likely problem, with a backend's answer or with the network path to it. */
export interface Finding {
  readonly text: string
  /** `refuses`: nobody gets in like this. `fault`: something is broken. `warning`: check whether it is intended. */
  readonly is: 'refuses' | 'fault' | 'warning'
}

/** The options in force for an action that is checked. */
type Asked = Extract<ActionDocument, { asked: true }>

const refuses = (text: string): Finding[] => [{ is: 'refuses', text }]
const warning = (text: string): Finding[] => [{ is: 'warning', text }]

/** What the status means for a request without a client: everybody would get the same answer. */
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
    return refuses(`${url} redirects with status ${status}${to === undefined ? '' : ` to ${to}`}, and redirects are not followed: set url to the address that it redirects to`)
  }
  if (status >= 500) {
    return refuses(`${url} answers ${status}: the backend has an error, or a reverse proxy in front of it answers in its place; see unavailableStatuses`)
  }
  return [404, 405, 410].includes(status)
    ? warning(`${url} answers ${status}: is the path of url right? It may be, if the backend answers this for streams that it does not know`)
    : []
}

const ofSpeed = ({ url, timesMs: { total } }: QuestionDocument, { timeoutMs }: Asked): Finding[] =>
  total !== null && total > timeoutMs / 2 ? warning(`${url} took ${total} ms for its answer, more than half of timeoutMs (${timeoutMs})`) : []

const ofCertificate = ({ url }: QuestionDocument, { rejectUnauthorized }: Asked): Finding[] => url.startsWith('https:') && !rejectUnauthorized
  ? warning(`the certificate of ${url} is not checked (tls.rejectUnauthorized), so anybody on the network path can answer in its place`)
  : []

/**
 * A backend whose answer (`X-Real-Ip`) names another address than was sent: nginx's usual
 * `proxy_set_header X-Real-IP $remote_addr` replaces it with the media server's.
 */
const ofAddress = ({ url, headers, request }: QuestionDocument): Finding[] => {
  const named = normalizeIp(headers['x-real-ip'] ?? '')
  const sent = normalizeIp(request.headers.find(([name]) => name === 'X-Real-Ip')?.[1] ?? '')
  if (isIP(named) === 0 || named === sent) return []
  return [{
    is: 'fault',
    text: `the answer of ${url} names ${named} as the client's address, but ${sent} was sent: a proxy in front of the backend replaces X-Real-Ip. ` +
      'Make it pass the header on, or send the address as a parameter, too: "params": { "ip": "{ip}" }'
  }]
}

/** What one request and its answer show about the backend. */
export const findingsOf = (question: QuestionDocument, backend: Asked, aboutNobody: boolean): Finding[] => [
  ...(aboutNobody && question.failure === null ? ofStatus(question, backend) : []),
  ...ofAddress(question),
  ...ofSpeed(question, backend),
  ...ofCertificate(question, backend)
]
