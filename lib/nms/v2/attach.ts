import type { Server } from 'node:net'
import type { ServerName } from '../../access/settings.js'
import { mark, refuseMarked } from '../common/attached.js'
import type { AttachedHost, Fronts, HostListener } from '../host.js'
import { installHttpFront } from '../common/http-front.js'
import { installProxyFront } from '../common/proxy-front.js'
import { clearLeft, closeOnStop, unbar } from '../common/halt.js'
import { ASSUMPTIONS, check, RUNNING } from './assumptions.js'
import { configFileOf } from './config-file.js'
import { createDialect } from './dialect.js'
import { adoptFlv } from './flv-session.js'
import { createGrants } from './grants.js'
import { installGuard, newSessionId } from './guard.js'
import { installHooks } from './hooks.js'
import { guardMediaRoot } from './media-root.js'
import { installOwnClients } from './own-clients.js'
import type { NmsPackage } from './package.js'
import { openOwnEntrance } from './own-entrance.js'
import { installRtmpFront } from './rtmp-front.js'
import type { Setting } from './setting.js'
import { isFlv, type NmsInstance } from './shapes.js'
import { openViewer } from './viewer.js'

/** The API of NMS can list and end streams and clients. */
const warningsOf = ({ http, auth }: NmsInstance['config']): string[] => http === undefined || http.api === false || auth?.api ? []
  : ['the API of node-media-server 2.7 (/api, /admin) has no password: anybody can list and end streams. Set auth.api, auth.api_user and auth.api_pass, or http.api to false']

/**
 * Checks an instance, whether it runs or not. Changes nothing until `install`; the fronts are installed when the
 * servers exist, before they can accept anybody.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED, ERR_ALREADY_ATTACHED
 */
export const attach = (instance: object, nmsPackage: NmsPackage, listener: HostListener): AttachedHost => {
  const nms = instance as NmsInstance
  const { context, version, dir } = nmsPackage
  refuseMarked(context)
  clearLeft(context)
  check(nms, nmsPackage, isRunning(nms) ? [...ASSUMPTIONS, ...RUNNING] : ASSUMPTIONS)

  const grants = createGrants()
  const admitted = new WeakSet<object>()
  const undo: (() => void)[] = []
  const sessions = new Set<() => void>()
  const viewers = { context, onFailure: (error: unknown) => listener.onFailure(error) }
  const uninstall = (): void => {
    for (const restore of [...sessions]) restore()
    sessions.clear()
    while (undo.length > 0) undo.pop()?.()
  }
  return {
    version,
    section: nms.config.httpAuth,
    warnings: warningsOf(nms.config),
    configFile: configFileOf(nms.config),
    dialect: createDialect(nms.config, dir),
    newSessionId,
    grant: (req, admission, address) => { grants.give(req, { admission, address }) },
    admitFile: (req) => { admitted.add(req) },
    openViewer: (admission, address, owner) => openViewer(viewers, admission, address, owner),
    install(fronts) {
      try {
        const unmark = mark(context)
        undo.push(unmark)
        unbar(nms)
        const { own, uninstall: uninstallOwn } = installOwnClients(nmsPackage, () => nms.config)
        undo.push(uninstallOwn)
        const setting: Setting = { nmsPackage, grants, own, undo: sessions, ending: 0 }
        undo.push(installHooks(setting, (...intruder) => listener.onIntruder(...intruder)))
        undo.push(installGuard(setting, { onIntruder: (...args) => listener.onIntruder(...args), takesOver: (...args) => listener.takesOver(...args) }))
        for (const session of context.sessions.values()) if (isFlv(session)) adoptFlv(session, undefined, setting)
        undo.push(whenRun(nms, nmsPackage, () => installFronts(nms, setting, fronts, admitted)))
        undo.push(closeOnStop(nms, { state: context, runsAgain: true, onStop: (halt) => listener.onStop(halt), unmark, uninstall }))
      } catch (error) {
        uninstall()
        throw error
      }
    },
    uninstall,
    stop: async () => { await nms.stop() },
    replaceSection: (section) => { nms.config.httpAuth = section }
  }
}

const isRunning = ({ nrs, nhs }: NmsInstance): boolean => nrs !== undefined || nhs !== undefined

const serversOf = ({ nrs, nhs }: NmsInstance): Partial<Record<ServerName, Server | undefined>> => ({
  rtmp: nrs?.tcpServer, rtmps: nrs?.tlsServer, http: nhs?.httpServer, https: nhs?.httpsServer
})

const installFronts = (nms: NmsInstance, setting: Setting, { rtmp, http, proxy }: Fronts, admitted: WeakSet<object>): () => void => {
  // Finds NMS's routes and handlers on the listeners that the fronts are about to replace.
  const servers = serversOf(nms)
  const undo = [guardMediaRoot(nms, admitted), openOwnEntrance(nms, setting, rtmp)]
  undo.push(installRtmpFront(nms, setting, rtmp), installHttpFront(servers, http), installProxyFront(servers, proxy))
  return () => { while (undo.length > 0) undo.pop()?.() }
}

/**
 * Guards the current servers and those that the next `run()` creates, which start accepting in a later turn of the
 * event loop. There is no way to tell whether the current ones still run.
 */
const whenRun = (nms: NmsInstance, nmsPackage: NmsPackage, guard: () => () => void): () => void => {
  const { run } = nms
  let release = isRunning(nms) ? guard() : undefined
  const runGuarded = (): void => {
    run.call(nms)
    try {
      check(nms, nmsPackage, RUNNING)
      release?.()
      release = guard()
    } catch (error) {
      // Servers that cannot be guarded must not start accepting.
      for (const server of Object.values(serversOf(nms))) server?.close()
      throw error
    }
  }
  nms.run = runGuarded
  return () => {
    if (nms.run === runGuarded) delete (nms as Partial<NmsInstance>).run
    release?.()
  }
}
