import { HttpAuthError } from '../errors.js'

/**
 * What marks the state of a guarded NMS. An app may have several copies of this package (one of its
 * own, one that is preloaded), and each must see what another has done.
 */
const ATTACHED = Symbol.for('node-media-server-http-auth.attached')

/** Whether the NMS whose state this is is guarded now, by whichever copy of this package. */
export const isMarked = (state: object): boolean => Object.hasOwn(state, ATTACHED)

/** @throws HttpAuthError ERR_ALREADY_ATTACHED */
export const refuseMarked = (state: object): void => {
  if (isMarked(state)) {
    throw new HttpAuthError('ERR_ALREADY_ATTACHED', 'httpAuth() guards this node-media-server already; close() the first one before attaching another')
  }
}

/** @returns a function that takes the mark off */
export const mark = (state: object): () => void => {
  Object.defineProperty(state, ATTACHED, { value: true, configurable: true })
  return () => { Reflect.deleteProperty(state, ATTACHED) }
}
