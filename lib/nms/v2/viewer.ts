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

/** A session like NMS's own, for a viewer of files, which NMS does not know about. */
class Viewer implements NmsSession, ViewerSession, ServedClient {
  readonly id: string
  readonly TAG: string
  readonly ip: string
  readonly request: AccessRequest
  readonly connectTime = new Date()
  /** NMS's API lists sessions with this set, and can only handle its own. */
  isStarting = false
  private over = false
  isPlaying = true
  isIdling = false
  /** NMS sums up the bytes of sessions by their sockets. */
  readonly req = { socket: { bytesRead: 0, bytesWritten: 0 } }

  constructor(
    private readonly setting: ViewerSetting, readonly address: string, private readonly place: Place, request: AccessRequest,
    private readonly owner: ViewerOwner
  ) {
    this.id = request.sessionId
    this.TAG = request.protocol
    this.request = request
    this.ip = address.slice(0, address.lastIndexOf(':'))
  }

  get inBytes(): number { return 0 }
  get outBytes(): number { return this.req.socket.bytesWritten }
  quietMs(): number { return this.owner.quietMs(this) }
  goneAfterMs(): number { return this.owner.goneAfterMs(this) }
  get ended(): boolean { return this.over }
  get playStreamPath(): string { return this.request.streamPath }
  get playArgs(): unknown { return parse(this.request.query) }

  sent(bytes: number): void { this.req.socket.bytesWritten += bytes }

  /** NMS's name for ending a session from outside. */
  stop(): void {
    if (this.over) return
    this.owner.closed(this)
    this.end('closed')
  }

  reject(): void { this.stop() }
  close(): void { this.stop() }

  end(reason: EndReason): void {
    if (this.over) return
    this.over = true
    this.place.end(reason)
    const { context, onFailure } = this.setting
    try {
      context.nodeEvent.emit('donePlay', this.id, this.playStreamPath, this.playArgs)
    } catch (error) {
      onFailure(error)
    }
    context.sessions.delete(this.id)
    context.stat.outbytes += this.req.socket.bytesWritten
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
    for (const event of ['prePlay', 'postPlay']) {
      if (!viewer.ended) context.nodeEvent.emit(event, viewer.id, viewer.playStreamPath, viewer.playArgs)
    }
  } catch (error) {
    viewer.end('refused')
    throw error
  }
  if (!viewer.ended) place.begin(viewer, request)
  return viewer
}

/** Whether this is a viewer of files, which has always been admitted. */
export const isViewer = (session: NmsSession): boolean => session instanceof Viewer
