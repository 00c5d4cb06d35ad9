import { randomBytes } from 'node:crypto'
import { HttpAuthError } from '../../errors.js'
import { check } from './assumptions.js'
import { createDialect } from './dialect.js'
import { findPackage } from './package.js'
import { adoptFlv } from './flv-session.js'
import { createGrants } from './grants.js'
import { installGuard } from './guard.js'
import { installHooks } from './hooks.js'
import type { AttachedHost, HostListener } from '../host.js'
import { installHttpFront } from './http-front.js'
import { installRtmpFront } from './rtmp-front.js'
import { isFlv, type NmsInstance } from './shapes.js'
import { openViewer } from './viewer.js'

/**
 * What marks the state of a guarded NMS. An app may have several copies of this package (one of its
 * own, one that is preloaded), and each must see what another has done.
 */
const ATTACHED = Symbol.for('node-media-server-http-auth.attached')

/**
 * Checks an instance. Nothing is touched until `install`.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED, ERR_ALREADY_ATTACHED
 */
export const attach = (instance: unknown, listener: HostListener): AttachedHost => {
  const nmsPackage = findPackage(instance)
  const nms = instance as NmsInstance
  const { context, version } = nmsPackage
  if (isAttached(instance)) {
    throw new HttpAuthError('ERR_ALREADY_ATTACHED', 'httpAuth() guards this node-media-server already; close() the first one before attaching another')
  }
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
    grant: (req, admission, address) => grants.give(req, { admission, address, onClosed: () => listener.onClosed(admission) }),
    openViewer: (admission, address, onClose) => openViewer(viewers, admission, address, onClose),
    install({ rtmp, http }) {
      try {
        Object.defineProperty(context, ATTACHED, { value: true, configurable: true })
        undo.push(() => Reflect.deleteProperty(context, ATTACHED))
        const hooks = installHooks(context, grants, listener.onIntruder, listener.onSession)
        undo.push(() => hooks.uninstall())
        undo.push(installGuard(context, grants, listener.onIntruder, (session, action) => hooks.end(session, action), sessions))
        for (const session of context.sessions.values()) if (isFlv(session)) adoptFlv(session, undefined, context, sessions)
        undo.push(installRtmpFront(nms, { context, grants, undo: sessions, onClosed: (admission) => listener.onClosed(admission) }, rtmp))
        undo.push(installHttpFront(nms, http))
        undo.push(closeOnStop(nms, listener.onStop))
      } catch (error) {
        uninstall()
        throw error
      }
    },
    uninstall
  }
}

/** Whether the NMS behind this instance is guarded now, by whichever copy of this package; `false` for what is no NMS. */
export const isAttached = (instance: unknown): boolean => {
  try {
    return Object.hasOwn(findPackage(instance).context, ATTACHED)
  } catch {
    return false
  }
}

const closeOnStop = (nms: NmsInstance, onStop: () => Promise<void>): () => void => {
  const stop = nms.stop
  nms.stop = async () => {
    await onStop()
    return stop.call(nms)
  }
  return () => { delete (nms as Partial<NmsInstance>).stop }
}
