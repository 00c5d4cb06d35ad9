import { expect } from 'chai'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { createRequire } from 'node:module'
import { HttpAuthError } from '../../lib/errors.js'
import { findLoaded } from '../../lib/nms/package.js'
import { ASSUMPTIONS, check, RUNNING } from '../../lib/nms/v2/assumptions.js'
import { openPackage, type NmsPackage } from '../../lib/nms/v2/package.js'
import type { NmsInstance } from '../../lib/nms/v2/shapes.js'
import { HOST_PACKAGE } from '../support/hosts.js'

const require = createRequire(import.meta.url)
const NodeMediaServer = require(HOST_PACKAGE) as new (config: object) => NmsInstance

/** A real instance that is never run. */
const construct = (): { nms: NmsInstance, found: NmsPackage } => {
  const nms = new NodeMediaServer({ rtmp: { port: 1 }, http: { port: 1 } })
  return { nms, found: openPackage(findLoaded(nms)) }
}
/** As it is while it runs; its servers are made by NMS's own classes and never listen. */
const constructRunning = (): { nms: NmsInstance, found: NmsPackage } => {
  const { nms, found } = construct()
  const config = { rtmp: { port: 1 }, http: { port: 1 } }
  const make = (name: string): unknown => new (found.load(name) as new (given: object) => unknown)(config)
  Object.assign(nms, { nrs: make('node_rtmp_server.js'), nhs: make('node_http_server.js') })
  nms.nhs!.httpServer.on('upgrade', () => undefined)
  return { nms, found }
}
const without = (prototype: object, method: string): { readonly prototype: never } => {
  const copy = Object.create(prototype) as Record<string, unknown>
  copy[method] = undefined
  return { prototype: copy as never }
}

/** One way to break each assumption, by its place in the list. */
const BREAKS: ((nms: NmsInstance, found: NmsPackage) => NmsPackage)[] = [
  (_, found) => ({ ...found, context: { ...found.context, publishers: {} as never } }),
  (_, found) => ({ ...found, context: { ...found.context, publishers: Object.assign(new Map<string, string>(), { has: () => false }) } }),
  (_, found) => ({ ...found, rtmp: without(found.rtmp.prototype, 'rtmpPacketAlloc') }),
  (_, found) => ({ ...found, flv: without(found.flv.prototype, 'onStartPlay') }),
  (_, found) => ({ ...found, tasks: found.tasks.slice(1) }),
  (nms, found) => { Object.assign(nms, { stop: undefined }); return found }
]
const RUNNING_BREAKS: ((nms: NmsInstance, found: NmsPackage) => NmsPackage)[] = [
  (nms, found) => { Object.assign(nms, { nrs: { tcpServer: createTcpServer() } }); return found },
  (nms, found) => { nms.nhs!.httpServer.removeAllListeners('upgrade'); return found },
  (nms, found) => { Object.assign(nms, { nhs: { httpServer: createServer(() => undefined).on('upgrade', () => undefined) } }); return found }
]

describe('assumptions about node-media-server 2.7', () => {
  for (const [list, breaks, make] of [[ASSUMPTIONS, BREAKS, construct], [RUNNING, RUNNING_BREAKS, constructRunning]] as const) {
    it('has a way to break each of them', () => expect(breaks).to.have.length(list.length))

    list.forEach(({ name }, index) => {
      it(`holds that ${name}, and refuses an instance where it does not`, () => {
        const { nms, found } = make()
        check(nms, found, list)
        const broken = breaks[index]!(nms, found)
        expect(() => check(nms, broken, list)).to.throw(HttpAuthError, name).with.property('code', 'ERR_HOST_UNSUPPORTED')
      })
    })
  }

  it('finds the package of a subclass', () => {
    class Own extends NodeMediaServer {}
    expect(findLoaded(new Own({})).version).to.equal('2.7.4')
  })
})
