/**
 * What is read of a client at most, whatever it sends. Not options: no honest client comes near them,
 * and each keeps the cost of a request below that of a join.
 */

/** A host, with its port: DNS has no longer names. A URL parser takes time by the square of a longer one. */
export const MAX_HOST_BYTES = 255
/** The path of a request, also once it is encoded. Never cut: the backend would be asked for another path. */
export const MAX_PATH_BYTES = 2048
/**
 * A query without its `?`, also once it is encoded. Half of the 8 KiB that nginx and Apache take for the
 * whole request line, so that there is room for the operator's path and parameters; no portal's token
 * comes near. A server that is given a longer line may just close the connection, and a client must not
 * be able to make an outage.
 */
export const MAX_QUERY_BYTES = 4096
/** What is kept of a user agent and of an origin. */
export const MAX_TEXT_BYTES = 1024
/** All texts that sessions of HLS and files keep; who comes then gets a 503. */
export const MAX_TEXTS_BYTES = 64 * 1024 * 1024
/** Answers to one session that are being sent at once: each may have 128 KiB in memory that its client does not read, all of them 16 MiB. */
export const MAX_ANSWERS = 128
/** Requests on one HTTP/1 connection that wait for the answer to one before them. Browsers send none. */
export const MAX_PIPELINED = 32
