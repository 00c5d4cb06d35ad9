import type { AccessRequest } from '../access/request.js'

/** A viewer that node-media-server itself knows nothing of (HLS, files), made visible to it. */
export interface ViewerSession {
  readonly id: string
  /** Adds to the bytes that NMS's admin API shows as sent. */
  sent(bytes: number): void
  /** Ends the session: raises `donePlay`, takes it off NMS's list. Calling it again does nothing. */
  end(): void
}

/** NMS's static route as it is configured. */
export interface StaticRoute {
  /** Where it is mounted, as configured: `/public`. */
  readonly router: string
  /** Absolute folder that is served. */
  readonly root: string
}

/** What gates may know of the running node-media-server, whatever its version. */
export interface Host {
  readonly version: string
  /** `undefined` if NMS serves no files. */
  readonly staticRoute: StaticRoute | undefined
  /** An unguessable session id of the shape that NMS gives. */
  newSessionId(): string
  /**
   * Makes an allowed viewer visible: raises `prePlay` and `postPlay`, lists it in the admin API.
   * `ip` is `address:port` of the first request, as NMS's own sessions have it. `onClose` is
   * called when somebody (admin API, `notify.url`) closes it; the session has ended by then.
   */
  openViewer(request: AccessRequest, address: string, onClose: () => void): ViewerSession
}
