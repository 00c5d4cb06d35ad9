import { parse } from 'node:querystring'
import type { EndReason, Place, ServedClient } from '../../access/place.js'
import type { Admission } from '../../access/admission.js'
import type { AccessRequest } from '../../access/request.js'
import type { ViewerOwner, ViewerSession } from '../host.js'
import type { NmsContext, NmsSession } from './shapes.js'

/** Shared by all viewers. */
export interface ViewerSetting {
  readonly context: NmsContext
  /** Called when a listener of `donePlay` throws: most viewers end by a timer, where nothing else would catch it. */
  readonly onFailure: (error: unknown) => void
}

/**
 * A session like NMS's own, for a viewer of files, which NMS does not know about. There may be 100,000 of them, so
 * nothing that is the same for all, or can be derived, is stored.
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
 * Raises `prePlay` and `postPlay` for an allowed viewer and lists it, as NMS does for its own. Rethrows what a listener
 * throws, after ending the viewer.
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

/** Whether this is a viewer of files, which has always been admitted. */
export const isViewer = (session: NmsSession): boolean => session instanceof Viewer
