import debug from 'debug'
import { errorText, maskSecrets } from './mask.js'

/** The namespaces under `nms-http-auth`; `DEBUG=nms-http-auth:*` shows everything that happens to a session. */
export type Namespace = 'gate' | 'backend' | 'policy' | 'nms' | 'hls' | 'store'

/** Prints a line if `DEBUG` enables it. */
export interface Trace {
  (format: string, ...values: unknown[]): void
  readonly enabled: boolean
}

/** Creates the debug function of one room. Its texts and errors are masked. */
export const trace = (namespace: Namespace): Trace => {
  const print = debug(`nms-http-auth:${namespace}`)
  const write = (format: string, ...values: unknown[]): void => {
    if (print.enabled) print(format, ...values.map((value) => typeof value === 'string' ? maskSecrets(value) : value instanceof Error ? errorText(value) : value))
  }
  return Object.defineProperty(write, 'enabled', { get: () => print.enabled }) as Trace
}
