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
/** RTMP messages before a command can be decided; encoders send about ten. */
export const MAX_OPENING_MESSAGES = 32
/** The smallest pieces in which a client may send before it is admitted: RTMP's default, and what each reader must take. */
export const MIN_OPENING_CHUNK_BYTES = 128
/** After so many messages, or so long, of one client before a command the others have their turn. */
export const MAX_MESSAGES_A_TURN = 16
export const MAX_TURN_MS = 2
/** What all clients that are not admitted may hold of our memory together; the newest is cut. */
export const MAX_UNADMITTED_BYTES = 64 * 1024 * 1024
/** What Node reads of a held request's body before it stops, whoever sends it: measured, 60 to 90 KB of memory for each. */
export const HELD_BODY_BYTES = 80 * 1024
/** What an admitted client may leave unread beyond the burst that it got when it joined. */
export const MAX_UNREAD_BYTES = 16 * 1024 * 1024
/** What node-media-server may keep of a stream for newcomers. */
export const MAX_CACHE_BYTES = 32 * 1024 * 1024
/** What a publisher's metadata may be long: decoding takes time. */
export const MAX_DATA_BYTES = 1024 * 1024
