import type { Networks } from '../access/address.js'
import type { Authorize } from '../access/authorize.js'
import type { CutReason } from '../access/cut.js'
import type { Settings } from '../access/settings.js'
import type { Door } from '../gate/door/door.js'
import { createUnadmitted } from '../gate/door/unadmitted.js'
import { exactly, exactSpelling } from '../gate/files/exact-spelling.js'
import type { Folders } from '../gate/files/folders.js'
import { createFilesGate } from '../gate/files/gate.js'
import { mountOf } from '../gate/files/served-path.js'
import { createViewers, type Viewers, type ViewersOptions } from '../gate/files/viewers.js'
import { createLiveGate } from '../gate/flv/gate.js'
import { createHttpGate } from '../gate/http.js'
import type { Cors } from '../gate/http/cors.js'
import { hintForwarding } from '../gate/http/forwarding-hint.js'
import { createReception } from '../gate/http/reception.js'
import { createProxyFront } from '../gate/proxy/front.js'
import { createRtmpGate } from '../gate/rtmp/gate.js'
import { createWebSocketGate } from '../gate/websocket/gate.js'
import type { Generation } from './generation.js'
import { newest } from './newest.js'
import type { Fronts, Host, HttpFront } from '../nms/host.js'
import type { SharedMemory } from '../policy/shared-memory.js'

/** The gates of all protocols. */
export interface Gates {
  readonly viewers: Viewers
  /** The HTTP gates, with the options of one generation. */
  http(by: Settings, trusted: Networks, cors: Cors): HttpFront
  /** What is put in front of node-media-server; it always uses the generation in force. */
  fronts(now: () => Generation, hint: (text: string) => void): Fronts
  close(): void
}

interface Behind {
  readonly door: Door
  readonly host: Host
  readonly settings: Settings
  /** `undefined` if NMS serves no files. */
  readonly folders: Folders | undefined
  readonly remembers: ViewersOptions['remembers']
  readonly isBarred: ViewersOptions['isBarred']
  readonly shared: SharedMemory | undefined
  readonly onCut: (ip: string, reason: CutReason, detail?: string) => void
}

export const createGates = ({ door, host, settings, folders, remembers, isBarred, shared, onCut }: Behind): Gates => {
  const unadmitted = createUnadmitted()
  const rtmp = createRtmpGate(door, host.dialect, { get commandTimeoutMs() { return settings.commandTimeoutMs }, onCut, unadmitted })
  const viewers = createViewers({ limits: settings, door, host, remembers, isBarred, shared })
  return {
    viewers,
    http(by, trusted, cors) {
      const files = folders && createFilesGate(door, host, viewers, folders, trusted, by.files)
      const live = createLiveGate(door, host)
      return { request: createHttpGate(host.dialect, live, files, trusted, cors), upgrade: createWebSocketGate(door, host, { trusted, cors, unadmitted, onCut }) }
    },
    fronts(now, hint) {
      const [trusted, cors] = [newest(() => now().trusted), newest(() => now().cors)]
      const http = createReception(door, host, trusted, cors, unadmitted, onCut, {
        request: (...args) => now().http.request(...args), upgrade: (...args) => now().http.upgrade(...args)
      })
      return { rtmp, http: hintForwarding(http, trusted, hint), proxy: createProxyFront({ servers: () => settings.proxyProtocol, trusted, onCut }) }
    },
    close() {
      rtmp.close()
      viewers.close()
    }
  }
}

/** Uses the spelling of files on the disk, so that no other spelling gets around a rule. */
export const exactFiles = (authorize: Authorize, folders: Folders | undefined): Authorize =>
  folders === undefined ? authorize : exactly(authorize, exactSpelling(folders.media.root), mountOf(folders.media.router))
