import type { Placeholder } from '../access/placeholders.js'
import type { AccessRequest } from '../access/request.js'
import { FLUSSONIC_PROTO } from './flussonic-proto.js'
import { encodeComponent } from './percent.js'

type Field = (request: AccessRequest) => string

const FIELDS: Readonly<Record<Placeholder, Field>> = {
  app: ({ streamPath }) => streamPath.slice(1, Math.max(1, streamPath.lastIndexOf('/'))),
  stream: ({ streamPath }) => streamPath.slice(streamPath.lastIndexOf('/') + 1),
  path: ({ path }) => path,
  ip: ({ ip }) => ip,
  action: ({ action }) => action,
  protocol: ({ protocol }) => protocol,
  proto: ({ protocol }) => FLUSSONIC_PROTO[protocol],
  sessionId: ({ sessionId }) => sessionId,
  requestType: ({ requestNumber = 0 }) => requestNumber === 0 ? 'new_session' : 'update_session',
  requestNumber: ({ requestNumber = 0 }) => String(requestNumber)
}

/** Compiles the operator's parameters to a query; braces around unknown names stay as they are. */
export const compileParams = (params: Readonly<Record<string, string>>): (request: AccessRequest) => string => {
  const pieces: (string | Field)[] = []
  const addText = (text: string): void => {
    const last = pieces.at(-1)
    if (typeof last === 'string') pieces[pieces.length - 1] = last + text
    else pieces.push(text)
  }
  for (const [name, template] of Object.entries(params)) {
    addText(`${pieces.length > 0 ? '&' : ''}${encodeComponent(name)}=`)
    template.split(/(\{\w+\})/).forEach((piece) => {
      const name = piece.slice(1, -1)
      const field = piece.startsWith('{') && Object.hasOwn(FIELDS, name) ? FIELDS[name as Placeholder] : undefined
      if (field === undefined) addText(encodeComponent(piece))
      else pieces.push(field)
    })
  }
  const [only = ''] = pieces
  if (pieces.length <= 1 && typeof only === 'string') return () => only
  return (request) => {
    let text = ''
    for (const piece of pieces) text += typeof piece === 'string' ? piece : encodeComponent(piece(request))
    return text
  }
}
