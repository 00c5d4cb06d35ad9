import { randomBytes } from 'node:crypto'
import type { Server } from 'node:net'
import type { ServerName } from '../../access/settings.js'
import { mark, refuseMarked } from '../attached.js'
import { check } from './assumptions.js'
import { createDialect } from './dialect.js'
import type { NmsPackage } from './package.js'
import { adoptFlv } from './flv-session.js'
import { createGrants } from './grants.js'
import { installGuard } from './guard.js'
import { installHooks } from './hooks.js'
import type { AttachedHost, HostListener } from '../host.js'
import { installHttpFront } from '../http-front.js'
import { installProxyFront } from '../proxy-front.js'
import { installRtmpFront } from './rtmp-front.js'
import { isFlv, type NmsInstance } from './shapes.js'
import { openViewer } from './viewer.js'

/**
 * Checks an instance. Nothing is touched until `install`.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED, ERR_ALREADY_ATTACHED
 */
export const attach = (instance: object, nmsPackage: NmsPackage, listener: HostListener): AttachedHost => {
  const nms = instance as NmsInstance
  const { context, version } = nmsPackage
  refuseMarked(context)
  check(nms, nmsPackage)

  const grants = createGrants()
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
    section: context.config['httpAuth'],
    configFile: context.configFile ?? undefined,
    dialect: createDialect(context.config),
    newSessionId: () => Buffer.from(Date.now().toString(36) + randomBytes(12).toString('hex'), 'latin1').toString('latin1'),
    grant: (req, admission, address) => grants.give(req, { admission, address }),
    // Its one folder has paths of its own.
    admitFile: () => undefined,
    openViewer: (admission, address, owner) => openViewer(viewers, admission, address, owner),
    install({ rtmp, http, proxy }) {
      try {
        undo.push(mark(context))
        undo.push(installHooks(context, grants, listener.onIntruder))
        undo.push(installGuard(context, grants, { onIntruder: (...args) => listener.onIntruder(...args), takesOver: (...args) => listener.takesOver(...args) }, sessions))
        for (const session of context.sessions.values()) if (isFlv(session)) adoptFlv(session, undefined, context, sessions)
        undo.push(installRtmpFront(nms, { context, grants, undo: sessions }, rtmp))
        undo.push(installHttpFront(serversOf(nms), http))
        if (proxy !== undefined) undo.push(installProxyFront(serversOf(nms), proxy))
        undo.push(closeOnStop(nms, listener.onStop))
      } catch (error) {
        uninstall()
        throw error
      }
    },
    uninstall,
    stop: async () => { await nms.stop() },
    replaceSection: (section) => { context.config['httpAuth'] = section }
  }
}

const serversOf = ({ rtmpServer, httpServer }: NmsInstance): Partial<Record<ServerName, Server | undefined>> => ({
  rtmp: rtmpServer.tcpServer, rtmps: rtmpServer.tlsServer, http: httpServer.httpServer, https: httpServer.httpsServer
})

const closeOnStop = (nms: NmsInstance, onStop: () => Promise<void>): () => void => {
  const stop = nms.stop
  nms.stop = async () => {
    await onStop()
    return stop.call(nms)
  }
  return () => { delete (nms as Partial<NmsInstance>).stop }
}
