import { randomBytes } from 'node:crypto'
import type { Server } from 'node:net'
import type { ServerName } from '../../access/settings.js'
import { mark, refuseMarked } from '../common/attached.js'
import { check } from './assumptions.js'
import { createDialect } from './dialect.js'
import type { NmsPackage } from './package.js'
import { adoptFlv } from './flv-session.js'
import { createGrants } from './grants.js'
import { installGuard } from './guard.js'
import { installHooks } from './hooks.js'
import type { AttachedHost, HostListener } from '../host.js'
import { installHttpFront } from '../common/http-front.js'
import { installProxyFront } from '../common/proxy-front.js'
import { clearLeft, closeOnStop, refuseStopped } from '../common/halt.js'
import { installRtmpFront } from './rtmp-front.js'
import { isFlv, type NmsInstance } from './shapes.js'
import { openViewer } from './viewer.js'

/**
 * Checks an instance. Changes nothing until `install`.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED, ERR_ALREADY_ATTACHED, ERR_STOPPED
 */
export const attach = (instance: object, nmsPackage: NmsPackage, listener: HostListener): AttachedHost => {
  const nms = instance as NmsInstance
  const { context, version } = nmsPackage
  refuseMarked(context)
  refuseStopped(nms)
  clearLeft(context)
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
    // The API of this version has its own login.
    warnings: [],
    configFile: context.configFile ?? undefined,
    dialect: createDialect(context.config),
    newSessionId: () => Buffer.from(Date.now().toString(36) + randomBytes(12).toString('hex'), 'latin1').toString('latin1'),
    grant: (req, admission, address) => grants.give(req, { admission, address }),
    // The one static folder of this version shares its paths with nothing else.
    admitFile: () => undefined,
    openViewer: (admission, address, owner) => openViewer(viewers, admission, address, owner),
    install({ rtmp, http, proxy }) {
      try {
        const unmark = mark(context)
        undo.push(unmark)
        undo.push(installHooks(context, grants, listener.onIntruder))
        undo.push(installGuard(context, grants, { onIntruder: (...args) => listener.onIntruder(...args), takesOver: (...args) => listener.takesOver(...args) }, sessions))
        for (const session of context.sessions.values()) if (isFlv(session)) adoptFlv(session, undefined, context, sessions)
        undo.push(installRtmpFront(nms, { context, grants, undo: sessions }, rtmp))
        undo.push(installHttpFront(serversOf(nms), http))
        undo.push(installProxyFront(serversOf(nms), proxy))
        undo.push(closeOnStop(nms, { state: context, runsAgain: false, onStop: (halt) => listener.onStop(halt), unmark, uninstall }))
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
