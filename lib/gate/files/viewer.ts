import type { Place } from '../../access/place.js'
import type { ViewerSession } from '../../nms/host.js'
import type { KeptTexts } from './kept-texts.js'
import type { Transfer } from './transfer.js'

/** An admitted viewer of files. */
export interface Viewer {
  /** The session that NMS lists, with the request that the backend was asked about. */
  readonly nms: ViewerSession
  /** The query added to the links of its playlists. */
  readonly query: string
  /** Responses under way. */
  transfers: Set<Transfer> | undefined
  /** The client-supplied bytes it keeps. */
  readonly texts: KeptTexts
  readonly place: Place
  /** Time without a request after which it counts as gone, in milliseconds. */
  goneAfterMs: number
  /** Whether any file it requested existed. */
  served: boolean
}

/** Counts the bytes that its running responses have sent so far. */
export const account = ({ transfers, nms }: Viewer): void => {
  for (const transfer of transfers ?? []) nms.sent(transfer.take())
}
