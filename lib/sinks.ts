import type { Settings } from './access/settings.js'
import type { ConsoleLog } from './observe/console.js'
import type { Hub } from './observe/hub.js'

/** What the optional sections of the options add to the hub. */
export interface Sinks {
  /** Writes and sends what still waits, for a short while. */
  close(): Promise<void>
}

/** Loads what the options ask for, and nothing else. */
export const addSinks = ({ audit }: Settings, hub: Hub, log: ConsoleLog): Sinks => {
  const closing: (() => Promise<void>)[] = []
  if (audit !== undefined) {
    const loading = import('./observe/audit.js').then(({ createAudit }) => createAudit(audit, {
      onTrouble: (problem) => log.error(`the audit file ${audit.file} ${problem}`),
      onMended: (lost) => log.error(`the audit file ${audit.file} is written again; lines lost: ${lost}`)
    }))
    hub.addLater(loading)
    closing.push(async () => { await (await loading).close() })
  }
  return { close: async () => { await Promise.allSettled(closing.map((close) => close())) } }
}
