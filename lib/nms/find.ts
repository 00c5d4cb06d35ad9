import type { Dialect } from './dialect.js'
import { createDialect } from './v4/dialect.js'

/**
 * The dialect of the node-media-server that is run with this config.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED if it could not be guarded
 */
export const dialectOf = (config: object): Dialect => createDialect(config)
