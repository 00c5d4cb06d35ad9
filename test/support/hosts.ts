/** The node-media-servers that servers of tests are made of, and the packages that hold them. */
const PACKAGES = { 4.4: 'node-media-server', 4.3: 'node-media-server-4.3', 2.7: 'node-media-server-2' } as const

export type HostName = `${keyof typeof PACKAGES}`

const isHost = (name: string): name is HostName => Object.hasOwn(PACKAGES, name)

const chosen = process.env['NMS_HOST'] ?? '4.4'
if (!isHost(chosen)) throw new Error(`NMS_HOST must be one of ${Object.keys(PACKAGES).join(', ')}; it is ${chosen}`)

/** The one that this run of the tests is about, by the environment variable NMS_HOST. */
export const HOST: HostName = chosen
export const HOST_PACKAGE = PACKAGES[HOST]

/** Whether it is one of version 2, which has other internals and other ways. */
export const IS_V2 = HOST === '2.7'

/** Where a folder is served that a version 4 would mount by a router: version 2 has it at the root. */
export const mount = (router: string): string => IS_V2 ? '' : router

/** Where the test servers mount the folder that holds files. */
export const MOUNT = mount('/static')

/** What NMS's ids of sessions look like. */
export const SESSION_ID = IS_V2 ? /^[A-Z0-9]{16,}$/ : /^[a-z0-9]{16,}$/

/** Whether NMS writes into its own log what clients sent, as it is, before anybody is asked about them; version 2 prints each RTMP connect. */
export const LOGS_CLIENT_BYTES = IS_V2

/** Whether a player over HTTP is answered before somebody publishes its stream, and counts as playing. */
export const ANSWERS_BEFORE_STREAM = !IS_V2

/** Whether NMS keeps the place of a publisher that is gone, so that it can resume. */
export const KEEPS_PUBLISHER_PLACE = !IS_V2
