import type { Settings } from './access/settings.js'
import type { Behind } from './admin/behind.js'
import { redactUrl } from './options/redact.js'
import type { ConsoleLog } from './observe/console.js'
import type { Hub } from './observe/hub.js'
import type { Stats } from './observe/stats.js'

/** What the optional sections of the options add to the hub. */
export interface Sinks {
  /** What was lost so far. */
  dropped(): Stats['dropped']
  /** Writes and sends what still waits, for a short while. */
  close(): Promise<void>
}

/** Loads what the options ask for, and nothing else. */
export const addSinks = ({ audit, webhook, admin }: Settings, hub: Hub, log: ConsoleLog, behind: Behind): Sinks => {
  const closing: (() => Promise<void>)[] = []
  const lost: { audit?: () => number, webhook?: () => number } = {}
  if (audit !== undefined) {
    const loading = import('./observe/audit.js').then(({ createAudit }) => createAudit(audit, {
      onTrouble: (problem) => log.error(`the audit file ${audit.file} ${problem}`),
      onMended: (lost) => log.error(`the audit file ${audit.file} is written again; lines lost: ${lost}`)
    }))
    lost.audit = () => 0
    void loading.then((sink) => { lost.audit = () => sink.lost }, () => undefined)
    hub.addLater(loading)
    closing.push(async () => { await (await loading).close() })
  }
  if (webhook !== undefined) {
    const at = redactUrl(new URL(webhook.url))
    const loading = import('./observe/webhook.js').then(({ createWebhook }) => createWebhook(webhook, {
      onTrouble: (problem) => log.error(`the webhook ${at} ${problem}`),
      onMended: (lost) => log.error(`the webhook ${at} is told again; events lost: ${lost}`)
    }))
    lost.webhook = () => 0
    void loading.then((sink) => { lost.webhook = () => sink.lost }, () => undefined)
    hub.addLater(loading)
    closing.push(async () => { await (await loading).close() })
  }
  if (admin !== undefined) {
    const loading = import('./admin/server.js').then(({ startAdmin }) => startAdmin(admin, behind, log))
    hub.addLater(loading)
    closing.push(async () => { await (await loading).close() })
  }
  return {
    dropped: () => ({ ...(lost.audit && { audit: lost.audit() }), ...(lost.webhook && { webhook: lost.webhook() }) }),
    close: async () => { await Promise.allSettled(closing.map((close) => close())) }
  }
}
