import { HttpAuthError } from '../errors.js'
import type { Generations } from './generations.js'
import type { HttpAuth } from '../handle.js'
import type { AttachedHost } from '../nms/host.js'
import { readConfig } from '../options/config.js'
import type { Settings } from '../access/settings.js'
import { resolve } from '../options/resolve.js'

interface Reloadable {
  readonly host: Pick<AttachedHost, 'configFile' | 'replaceSection'>
  /** The directory that relative paths in the options start from. */
  readonly baseDir: string | undefined
  readonly generations: Generations
  /** Whether it is too late, because the server is stopping. */
  readonly stopping: () => boolean
  /** Called when everything is in force; `anew` means that the backends changed. */
  readonly onReplaced: (next: Settings, anew: boolean) => void
}

/** Reads the options again and puts them in force. */
export const createReload = ({ host, baseDir, generations, stopping, onReplaced }: Reloadable): HttpAuth['reload'] => async (options) => {
  await Promise.resolve()
  if (stopping()) throw new HttpAuthError('ERR_OPTIONS', 'the server is being stopped')
  const section = options ?? sectionOf(host.configFile)
  const next = resolve(section, baseDir)
  const anew = generations.replace(next)
  host.replaceSection(structuredClone(section))
  onReplaced(next, anew)
}

/** The section in the config file as it is now. */
const sectionOf = (file: string | undefined): unknown => {
  if (file === undefined) throw new HttpAuthError('ERR_OPTIONS', 'node-media-server was given no config file that could be read again; give reload() the options')
  const { sections, settings } = readConfig(file)
  if (settings === false) throw new HttpAuthError('ERR_OPTIONS', 'httpAuth: false would open the server; restart it for that')
  return sections['httpAuth']
}
