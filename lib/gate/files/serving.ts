import { MAX_ANSWERS } from '../../access/bounds.js'
import type { Session } from '../../hls/session.js'
import type { Sessions } from '../../hls/sessions.js'
import type { HttpResponse } from '../../nms/host.js'
import { Transfer } from './transfer.js'
import type { Viewer } from './viewer.js'

/** Statuses of files that exist. */
const SERVED = new Set([200, 206, 304])

/** Accounts for a response to a session's request, and keeps the session alive meanwhile. False if too many responses are under way. */
export const serve = (sessions: Sessions<Viewer>, session: Session<Viewer>, res: HttpResponse): boolean => {
  const { value } = session
  const transfers = value.transfers ??= new Set()
  if (transfers.size >= MAX_ANSWERS) return false
  const transfer = new Transfer(res, () => {
    transfers.delete(transfer)
    if (transfers.size === 0) value.transfers = undefined
    if (!value.served) {
      if (SERVED.has(res.statusCode)) value.served = res.req.method !== 'HEAD'
      else if (transfers.size === 0) value.place.giveBack()
    }
    if (!session.ended) value.nms.sent(transfer.take())
    sessions.done(session)
  })
  transfers.add(transfer)
  sessions.begin(session)
  return true
}
