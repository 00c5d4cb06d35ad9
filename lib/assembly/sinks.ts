import { isDeepStrictEqual } from 'node:util'
import type { Settings } from '../access/settings.js'
import type { Behind } from '../admin/behind.js'
import { redactUrl } from '../options/redact.js'
import type { ConsoleLog } from '../observe/console.js'
import type { Hub, Sink } from '../observe/hub.js'
import type { Stats } from '../observe/stats.js'

/** The sinks that the optional sections of the options add to the hub. */
export interface Sinks {
  /** What was lost so far. */
  dropped(): Stats['dropped']
  /** Replaces audit and webhook if their sections changed; never the admin server. */
  replace(settings: Settings): void
  /** Writes and sends what is still waiting, for a short time. */
  close(): Promise<void>
}

interface Losing extends Sink { readonly lost: number, close(): Promise<void> }

/** A sink and the section it was created from. */
interface Slot<S> {
  readonly open: (section: S) => Promise<Losing>
  section: S | undefined
  lost: () => number
  close: () => Promise<void>
}

const slot = <S>(open: (section: S) => Promise<Losing>): Slot<S> => ({ open, section: undefined, lost: () => 0, close: () => Promise.resolve() })

/** Loads only the modules that the options need. */
export const addSinks = (settings: Settings, hub: Hub, log: ConsoleLog, behind: Behind): Sinks => {
  const audit = slot<NonNullable<Settings['audit']>>(async (section) => (await import('../observe/audit.js')).createAudit(section, {
    onTrouble: (problem) => log.error(`the audit file ${section.file} ${problem}`),
    onMended: (lost) => log.error(`the audit file ${section.file} is written again; lines lost: ${lost}`)
  }))
  const webhook = slot<NonNullable<Settings['webhook']>>(async (section) => {
    const at = redactUrl(new URL(section.url))
    return (await import('../observe/webhook.js')).createWebhook(section, {
      onTrouble: (problem) => log.error(`the webhook ${at} ${problem}`),
      onMended: (lost) => log.error(`the webhook ${at} is told again; events lost: ${lost}`)
    })
  })
  const leaving = new Set<Promise<void>>()
  const put = <S>(into: Slot<S>, section: S | undefined): void => {
    if (isDeepStrictEqual(into.section, section)) return
    const left = into.close()
    leaving.add(left)
    void left.finally(() => leaving.delete(left))
    into.section = section
    into.close = () => Promise.resolve()
    if (section === undefined) return
    const before = into.lost()
    // The previous sink writes its last line first, because both may use the same file.
    const loading = left.then(() => into.open(section))
    const remove = hub.addLater(loading)
    void loading.then((sink) => { into.lost = () => before + sink.lost }, () => undefined)
    into.close = async () => {
      remove()
      await (await loading).close()
    }
  }
  const replace = (next: Settings): void => {
    put(audit, next.audit)
    put(webhook, next.webhook)
  }
  replace(settings)
  const { admin } = settings
  const server = admin && import('../admin/server.js').then(({ startAdmin }) => startAdmin(admin, behind, log))
  if (server !== undefined) hub.addLater(server)
  return {
    dropped: () => ({ ...(audit.section && { audit: audit.lost() }), ...(webhook.section && { webhook: webhook.lost() }) }),
    replace,
    close: async () => { await Promise.allSettled([audit.close(), webhook.close(), ...leaving, server?.then((running) => running.close())]) }
  }
}
