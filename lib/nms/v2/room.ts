import type { HostRoom } from '../host.js'
import { attach } from './attach.js'
import { configFileOf } from './config-file.js'
import { createDialect } from './dialect.js'
import { openPackage } from './package.js'
import type { NmsInstance } from './shapes.js'

/** Support for version 2.7. */
export const v2: HostRoom = {
  stateOf: (loaded) => openPackage(loaded).context,
  configOf: (instance) => {
    const { config } = instance as NmsInstance
    return { config, configFile: configFileOf(config) }
  },
  attach: (instance, loaded, listener) => attach(instance, openPackage(loaded), listener),
  createDialect
}
