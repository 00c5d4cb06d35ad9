import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Installed } from './installed.js'
import { roomOf } from './supported.js'
import { noteConfigFile } from './v2/config-file.js'

/** Whether a version's own command line takes a config file; up to 4.3 it has its own, or none. */
export const takesConfigFile = (version: string): boolean => roomOf(version) === 'v4' && !version.startsWith('4.3.')

interface Tls { key?: unknown, cert?: unknown }
type Sections = Readonly<Record<string, Tls & { readonly ssl?: Tls } | undefined>>
type Server = new (config: object, file: string) => { run(): unknown }

/** Runs a server, whose own command line takes no config file, from one. Relative TLS paths are relative to the config. */
export const startFromConfig = ({ version, dir }: Installed, config: object, file: string): void => {
  const { rtmp, rtmps, https } = config as Sections
  for (const section of [rtmp?.ssl, rtmps, https]) if (section !== undefined) resolveTls(section, dirname(file))
  const load = createRequire(join(dir, 'package.json'))
  const NodeMediaServer = load(dir) as Server
  if (roomOf(version) === 'v2') noteConfigFile(config, file)
  else (load(join(dir, 'src', 'core', 'context.js')) as { configFile?: string }).configFile = file
  new NodeMediaServer(config, file).run()
}

const resolveTls = (section: Tls, folder: string): void => {
  for (const name of ['key', 'cert'] as const) {
    const path = section[name]
    if (typeof path === 'string' && !existsSync(path)) section[name] = join(folder, path)
  }
}
