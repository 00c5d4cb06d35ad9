import { viewerQuery } from '../../access/hls-query.js'
import type { AccessRequest } from '../../access/request.js'
import { createTexts } from '../../hls/texts.js'

/** All client-supplied bytes that a session keeps. */
export type KeptTexts = ReturnType<typeof textsOf>

/** The client-supplied bytes of all sessions, within one bound. */
export interface ViewerTexts {
  /** Reserves the texts of a session that is being opened; `undefined` if there is no room. */
  take(request: AccessRequest, address: string): KeptTexts | undefined
  /** Releases what `take` returned. */
  free(kept: KeptTexts): void
}

const textsOf = ({ ip, path, origin, userAgent, query, streamPath }: AccessRequest, address: string) =>
  ({ ip, path, origin, userAgent, query, streamPath, address, ownQuery: viewerQuery(query) })

export const createViewerTexts = (maxBytes: number): ViewerTexts => {
  const texts = createTexts(maxBytes)
  return {
    take: (request, address) => texts.take(textsOf(request, address)),
    free: (kept) => texts.free(kept)
  }
}
