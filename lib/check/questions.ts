import type { Socket } from 'node:net'
import { watchProgress, type Progress } from '../backend/backend.js'

type BackendRequest = Extract<Progress, { is: 'asked' }>['request']

/** How long the parts of a request took, in milliseconds; `null` for parts that did not happen. */
export interface Times {
  /** Name lookup; an address needs none. */
  readonly dns: number | null
  readonly connect: number | null
  readonly tls: number | null
  /** From the connection being ready to the first byte of the answer. */
  readonly firstByte: number | null
  /** From the request to the end of the answer's headers. */
  readonly total: number | null
}

/** One request to one backend. */
export interface Question {
  readonly url: string
  readonly request: BackendRequest
  /** The other end of the connection, `address:port`. */
  readonly peer: string | null
  readonly status: number | null
  /** Response headers, names in lower case; of several with the same name the first counts. */
  readonly headers: ReadonlyMap<string, string>
  readonly times: Times
  /** Why there is no valid answer. */
  readonly failure: string | null
}

type Mark = 'asked' | 'connecting' | 'lookup' | 'connect' | 'secureConnect' | 'answering' | 'answered'

interface Draft {
  readonly url: string
  readonly request: BackendRequest
  readonly marks: Map<Mark, number>
  peer: string | null
  status: number | null
  headers: Map<string, string>
  failure: string | null
}

/** Records every request from now on. */
export const recordQuestions = (): { readonly questions: () => Question[], readonly stop: () => void } => {
  const drafts: Draft[] = []
  const stop = watchProgress((step) => {
    if (step.is === 'asked') {
      drafts.push({ url: step.url, request: step.request, marks: new Map([['asked', performance.now()]]), peer: null, status: null, headers: new Map(), failure: null })
      return
    }
    const draft = drafts.findLast(({ url }) => url === step.url)
    if (draft !== undefined) note(draft, step)
  })
  return { questions: () => drafts.map(finish), stop }
}

const note = (draft: Draft, step: Exclude<Progress, { is: 'asked' }>): void => {
  switch (step.is) {
    case 'connecting': mark(draft, 'connecting'); return followSocket(draft, step.socket)
    case 'answering': return mark(draft, 'answering')
    case 'answered':
      mark(draft, 'answered')
      draft.status = step.status
      draft.headers = headersOf(step.headers)
      return
    case 'failed': draft.failure = step.reason
  }
}

const mark = ({ marks }: Draft, name: Mark): void => { if (!marks.has(name)) marks.set(name, performance.now()) }

const followSocket = (draft: Draft, socket: Socket): void => {
  for (const event of ['lookup', 'connect', 'secureConnect'] as const) socket.once(event, () => mark(draft, event))
  socket.once('connect', () => {
    const { remoteAddress = '', remotePort } = socket
    draft.peer = `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
  })
}

const headersOf = (raw: readonly Buffer[]): Map<string, string> => {
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toString('latin1').toLowerCase() ?? ''
    if (!headers.has(name)) headers.set(name, raw[index + 1]?.toString('utf8') ?? '')
  }
  return headers
}

const finish = ({ marks, ...draft }: Draft): Question => {
  const between = (from: Mark | undefined, to: Mark): number | null => {
    const [start, end] = [from && marks.get(from), marks.get(to)]
    return start === undefined || end === undefined ? null : Math.round((end - start) * 100) / 100
  }
  return {
    ...draft,
    times: {
      dns: between('connecting', 'lookup'),
      connect: between(marks.has('lookup') ? 'lookup' : 'connecting', 'connect'),
      tls: between('connect', 'secureConnect'),
      firstByte: between(marks.has('secureConnect') ? 'secureConnect' : 'connect', 'answering'),
      total: between('asked', 'answered')
    }
  }
}
