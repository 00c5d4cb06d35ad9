import { parse } from 'node:querystring'
import type { EndReason, Place, ServedClient } from '../../access/place.js'
import type { Admission } from '../../access/admission.js'
import type { AccessRequest } from '../../access/request.js'
import type { ViewerOwner, ViewerSession } from '../host.js'
import type { NmsContext, NmsSession } from './shapes.js'

/** What all viewers have in common. */
export interface ViewerSetting {
  readonly context: NmsContext
  /** A listener of `donePlay` has thrown: most viewers end by a timer, where nobody would catch it. */
  readonly onFailure: (error: unknown) => void
}

/**
 * A session of the shape that NMS's own have, for a viewer of files, whom NMS knows nothing of.
 * There may be 100,000 of them, so what is the same for all, or can be derived, is not stored.
 */
class Viewer implements NmsSession, ViewerSession, ServedClient {
  readonly id: string
  readonly protocol: string
  readonly request: AccessRequest
  readonly createTime = Date.now()
  endTime = 0
  outBytes = 0

  constructor(
    private readonly setting: ViewerSetting, readonly ip: string, private readonly place: Place, request: AccessRequest,
    private readonly owner: ViewerOwner
  ) {
    this.id = request.sessionId
    this.protocol = request.protocol
    this.request = request
  }

  get ended(): boolean { return this.endTime !== 0 }
  get address(): string { return this.ip }
  quietMs(): number { return this.owner.quietMs(this) }
  goneAfterMs(): number { return this.owner.goneAfterMs(this) }
  get isPublisher(): boolean { return false }
  get streamHost(): string { return URL.canParse(this.request.origin) ? new URL(this.request.origin).hostname : '' }
  get streamApp(): string { return this.request.streamPath.split('/')[1] ?? '' }
  get streamName(): string { return this.request.streamPath.split('/').slice(2).join('/') }
  get streamPath(): string { return this.request.streamPath }
  get streamQuery(): unknown { return parse(this.request.query) }
  get inBytes(): number { return 0 }
  get playCount(): number { return 0 }
  get filePath(): string { return '' }
  get taskKey(): string { return '' }
  sendBuffer(): void { /* files are sent by Express */ }

  sent(bytes: number): void {
    this.outBytes += bytes
    this.setting.context.networkStats.outBytes += bytes
  }

  /** NMS's name for ending a session from outside. */
  close(): void {
    if (this.endTime !== 0) return
    this.owner.closed(this)
    this.end('closed')
  }

  end(reason: EndReason): void {
    if (this.endTime !== 0) return
    this.endTime = Date.now()
    this.place.end(reason)
    const { context, onFailure } = this.setting
    context.sessions.delete(this.id)
    try {
      context.eventEmitter.emit('donePlay', this)
    } catch (error) {
      onFailure(error)
    }
  }
}

/**
 * Raises `prePlay` and `postPlay` for an allowed viewer and lists it, as NMS does for its own.
 * Throws what a listener of these throws; the viewer has ended then.
 */
export const openViewer = (
  setting: ViewerSetting, { place, request }: Pick<Admission, 'place' | 'request'>, address: string, owner: ViewerOwner
): ViewerSession => {
  const { context } = setting
  const viewer = new Viewer(setting, address, place, request, owner)
  context.sessions.set(viewer.id, viewer)
  try {
    context.eventEmitter.emit('prePlay', viewer)
    if (viewer.endTime === 0) context.eventEmitter.emit('postPlay', viewer)
  } catch (error) {
    viewer.end('refused')
    throw error
  }
  if (viewer.endTime === 0) place.begin(viewer, request)
  return viewer
}

/** Whether this is a viewer of files: who is one has been let in. */
export const isViewer = (session: NmsSession): boolean => session instanceof Viewer
