import debug from 'debug'
import { errorText, maskSecrets } from './mask.js'

/** The namespaces below `nms-http-auth` that show a session's whole way with `DEBUG=nms-http-auth:*`. */
export type Namespace = 'gate' | 'backend' | 'policy' | 'nms' | 'hls' | 'store'

/** Prints a line for whoever follows a session with `DEBUG`, if anybody does. */
export interface Trace {
  (format: string, ...values: unknown[]): void
  readonly enabled: boolean
}

/** Makes the debug function of one room. Texts and errors that it is given are masked. */
export const trace = (namespace: Namespace): Trace => {
  const print = debug(`nms-http-auth:${namespace}`)
  const write = (format: string, ...values: unknown[]): void => {
    if (print.enabled) print(format, ...values.map((value) => typeof value === 'string' ? maskSecrets(value) : value instanceof Error ? errorText(value) : value))
  }
  return Object.defineProperty(write, 'enabled', { get: () => print.enabled }) as Trace
}
