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

/** Where the test servers mount the folder that holds files: version 2 has it at the root. */
export const MOUNT = IS_V2 ? '' : '/static'
