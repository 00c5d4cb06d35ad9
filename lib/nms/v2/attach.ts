import type { Server } from 'node:net'
import type { ServerName } from '../../access/settings.js'
import { mark, refuseMarked } from '../attached.js'
import type { AttachedHost, Fronts, HostListener } from '../host.js'
import { installHttpFront } from '../http-front.js'
import { installProxyFront } from '../proxy-front.js'
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
import { installRtmpFront } from './rtmp-front.js'
import type { Setting } from './setting.js'
import { isFlv, type NmsInstance } from './shapes.js'
import { openViewer } from './viewer.js'

/**
 * Checks an instance, running or not yet. Nothing is touched until `install`; what stands before the servers
 * is installed once they are there, before they can accept anybody.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED, ERR_ALREADY_ATTACHED
 */
export const attach = (instance: object, nmsPackage: NmsPackage, listener: HostListener): AttachedHost => {
  const nms = instance as NmsInstance
  const { context, version, dir } = nmsPackage
  refuseMarked(context)
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
    configFile: configFileOf(nms.config),
    dialect: createDialect(nms.config, dir),
    newSessionId,
    grant: (req, admission, address) => { grants.give(req, { admission, address }) },
    admitFile: (req) => { admitted.add(req) },
    openViewer: (admission, address, owner) => openViewer(viewers, admission, address, owner),
    install(fronts) {
      try {
        undo.push(mark(context))
        const { own, uninstall: uninstallOwn } = installOwnClients(nmsPackage, () => nms.config)
        undo.push(uninstallOwn)
        const setting: Setting = { nmsPackage, grants, own, undo: sessions, ending: 0 }
        undo.push(installHooks(setting, (...intruder) => listener.onIntruder(...intruder)))
        undo.push(installGuard(setting, (...intruder) => listener.onIntruder(...intruder)))
        for (const session of context.sessions.values()) if (isFlv(session)) adoptFlv(session, undefined, setting)
        if (isRunning(nms)) undo.push(installFronts(nms, setting, fronts, admitted))
        else undo.push(whenRun(nms, nmsPackage, () => undo.push(installFronts(nms, setting, fronts, admitted))))
        undo.push(closeOnStop(nms, listener.onStop))
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
  // The routes are looked for on the listener that the front will replace.
  const undo = [guardMediaRoot(nms, admitted), installRtmpFront(nms, setting, rtmp), installHttpFront(serversOf(nms), http)]
  if (proxy !== undefined) undo.push(installProxyFront(serversOf(nms), proxy))
  return () => { while (undo.length > 0) undo.pop()?.() }
}

/** NMS builds its servers in `run()`; they begin to accept in a later turn of the event loop. */
const whenRun = (nms: NmsInstance, nmsPackage: NmsPackage, ran: () => void): () => void => {
  const { run } = nms
  nms.run = () => {
    run.call(nms)
    try {
      check(nms, nmsPackage, RUNNING)
      ran()
    } catch (error) {
      // Servers that cannot be guarded must not begin to accept.
      for (const server of Object.values(serversOf(nms))) server?.close()
      throw error
    }
  }
  return () => { delete (nms as Partial<NmsInstance>).run }
}

const closeOnStop = (nms: NmsInstance, onStop: () => Promise<void>): () => void => {
  const { stop } = nms
  nms.stop = async () => {
    await onStop()
    return stop.call(nms)
  }
  return () => { delete (nms as Partial<NmsInstance>).stop }
}
