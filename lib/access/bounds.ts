/**
 * Bounds on what is read from a client and kept for it. They are constants, not options: no honest client
 * comes near them, and each keeps the cost of a request below that of a join.
 */

/** A host with its port: DNS names are no longer than that, and `new URL` takes quadratic time for longer ones. */
export const MAX_HOST_BYTES = 255
/** The path of a request, also when encoded. A longer one is refused and never cut, because a cut one is another path. */
export const MAX_PATH_BYTES = 2048
/**
 * A query without its `?`, also when encoded. Half of the 8 KiB that nginx and Apache accept as the
 * whole request line, which leaves room for the operator's path and parameters; no portal's token
 * comes near. A server may just close the connection on a longer line, and a client must not
 * be able to cause what looks like an outage.
 */
export const MAX_QUERY_BYTES = 4096
/** Longest user agent, and longest origin, that is kept. */
export const MAX_TEXT_BYTES = 1024
/** Texts of all HLS, DASH and file sessions together; newcomers beyond it get a 503. */
export const MAX_TEXTS_BYTES = 64 * 1024 * 1024
/** Unfinished answers to one session: each can hold 128 KiB that the client does not read, so 16 MiB in all. */
export const MAX_ANSWERS = 128
/** Pipelined requests that wait on one HTTP/1 connection. Browsers send none. */
export const MAX_PIPELINED = 32
/**
 * Requests of one HTTP/2 connection that are open, or that the client reset lately; a browser opens 100 at most. Connections of
 * trusted proxies are exempt, since they carry many clients.
 */
export const MAX_STREAMS = 200
/** Resets that are forgotten each second: players abort a request when they seek or change the quality. */
export const STREAMS_FORGIVEN_A_SECOND = 20
/** RTMP messages before a play or publish command; encoders send about ten. */
export const MAX_OPENING_MESSAGES = 32
/** The smallest RTMP chunk size before admission: RTMP's default, which every implementation supports. */
export const MIN_OPENING_CHUNK_BYTES = 128
/** After this many messages, or this much time, of one client before its command, the event loop yields to the others. */
export const MAX_MESSAGES_A_TURN = 16
export const MAX_TURN_MS = 2
/** Memory for all clients that are not admitted; beyond it the newest is cut. */
export const MAX_UNADMITTED_BYTES = 64 * 1024 * 1024
/** What Node buffers of a held request's body before it stops reading: 60 to 90 KB of memory each (measured). */
export const HELD_BODY_BYTES = 80 * 1024
/** Bytes an admitted client may leave unread, beyond the burst it got when it joined. */
export const MAX_UNREAD_BYTES = 16 * 1024 * 1024
/**
 * The part of that for answers to the client's own messages, such as pongs: small pieces, each of which takes about ten
 * times its length.
 */
export const MAX_UNREAD_ANSWERS_BYTES = 1024 * 1024
/** Objects and arrays of an RTMP command, or of metadata, within each other; encoders send two levels. */
export const MAX_VALUE_DEPTH = 16
/** node-media-server's cache of a stream for new players. */
export const MAX_CACHE_BYTES = 32 * 1024 * 1024
/** A publisher's metadata; decoding takes time. */
export const MAX_DATA_BYTES = 1024 * 1024
