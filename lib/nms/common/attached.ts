import { HttpAuthError } from '../../errors.js'

/**
 * Marks the state of a guarded NMS. An app may have several copies of this package (its own and a preloaded one), and
 * each must see what another has done.
 */
const ATTACHED = Symbol.for('node-media-server-http-auth.attached')

/** Whether the NMS with this state is guarded now, by any copy of this package. */
export const isMarked = (state: object): boolean => Object.hasOwn(state, ATTACHED)

/** @throws HttpAuthError ERR_ALREADY_ATTACHED */
export const refuseMarked = (state: object): void => {
  if (isMarked(state)) {
    throw new HttpAuthError('ERR_ALREADY_ATTACHED', 'httpAuth() guards this node-media-server already; close() the first one before attaching another')
  }
}

/** @returns a function that removes the mark */
export const mark = (state: object): () => void => {
  Object.defineProperty(state, ATTACHED, { value: true, configurable: true })
  return () => { Reflect.deleteProperty(state, ATTACHED) }
}
