import type { Settings } from '../access/settings.js'
import type { InForce } from '../admin/behind.js'
import type { AttachedHost } from '../nms/host.js'
import type { ConsoleLog } from '../observe/console.js'
import { describe } from '../options/describe.js'
import { warningsOf } from '../options/warnings.js'
import { VERSION } from '../version.js'

/** The options in force, for people; contains no secrets. */
export const inForce = (settings: Settings, host: Pick<AttachedHost, 'version' | 'warnings'>): InForce =>
  ({ version: VERSION, host: host.version, settings: describe(settings), warnings: [...warningsOf(settings), ...host.warnings] })

/** Prints the options in force, at any log level. */
export const announce = (log: ConsoleLog, what: string, { settings, warnings }: InForce): void =>
  log.banner([what, ...settings, ...warnings.map((text) => `WARNING: ${text}`)])
