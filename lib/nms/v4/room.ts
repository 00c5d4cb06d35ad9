import type { HostRoom } from '../host.js'
import { attach } from './attach.js'
import { createDialect } from './dialect.js'
import { openPackage } from './package.js'

/** Support for version 4. */
export const v4: HostRoom = {
  stateOf: (loaded) => openPackage(loaded).context,
  configOf: (_, loaded) => {
    const { config, configFile } = openPackage(loaded).context
    return { config, configFile: configFile ?? undefined }
  },
  attach: (instance, loaded, listener) => attach(instance, openPackage(loaded), listener),
  createDialect
}
