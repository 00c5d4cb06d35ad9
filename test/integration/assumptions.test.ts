import { expect } from 'chai'
import { createRequire } from 'node:module'
import sinon from 'sinon'
import { HttpAuthError } from '../../lib/errors.js'
import { ASSUMPTIONS, check } from '../../lib/nms/v4/assumptions.js'
import { findPackage, type NmsPackage } from '../../lib/nms/v4/package.js'
import type { NmsInstance } from '../../lib/nms/v4/shapes.js'
import { HOST, HOST_PACKAGE } from '../support/hosts.js'

const NodeMediaServer = createRequire(import.meta.url)(HOST_PACKAGE) as new (config: object) => NmsInstance

/** A real instance that is never run. */
const construct = (): { nms: NmsInstance, found: NmsPackage } => {
  const quiet = sinon.stub(console, 'log')
  try {
    const nms = new NodeMediaServer({ rtmp: { port: 1 }, http: { port: 1 } })
    return { nms, found: findPackage(nms) }
  } finally {
    quiet.restore()
  }
}

type Mutable = Record<string, Record<string, unknown>>
/** Puts something else in the place of one of NMS's modules. */
const replace = (found: NmsPackage, module: string, change: (made: Mutable) => void): NmsPackage => ({
  ...found,
  load: (name) => {
    const Original = found.load(name) as new (...args: unknown[]) => Mutable
    return name !== module ? Original : class {
      constructor(...args: unknown[]) {
        const made = new Original(...args)
        change(made)
        return made
      }
    }
  }
})

/** One way to break each assumption, by its place in the list. */
const BREAKS: ((nms: NmsInstance, found: NmsPackage) => NmsPackage)[] = [
  (_, found) => ({ ...found, context: { ...found.context, sessions: {} as never } }),
  (_, found) => ({ ...found, context: { ...found.context, sessions: Object.assign(new Map(), { set: () => undefined }) as never } }),
  (nms, found) => { nms.rtmpServer.tcpServer?.removeAllListeners('connection'); return found },
  (nms, found) => { nms.httpServer.httpServer?.removeAllListeners('upgrade'); return found },
  (_, found) => replace(found, 'session/rtmp_session.js', (session) => { delete (session as Record<string, unknown>)['onClose'] }),
  (_, found) => replace(found, 'session/rtmp_session.js', (session) => { session['rtmp']!['onPlay'] = () => undefined }),
  (_, found) => replace(found, 'protocol/flv.js', (flv) => { delete (flv as Record<string, unknown>)['parserTagData'] }),
  (_, found) => replace(found, 'server/broadcast_server.js', (broadcast) => { delete (broadcast as Record<string, unknown>)['postPublish'] }),
  (nms, found) => { Object.assign(nms, { stop: undefined }); return found }
]

describe('assumptions about node-media-server 4', () => {
  it('has a way to break each of them', () => expect(BREAKS).to.have.length(ASSUMPTIONS.length))

  ASSUMPTIONS.forEach(({ name }, index) => {
    it(`holds that ${name}, and refuses an instance where it does not`, () => {
      const { nms, found } = construct()
      check(nms, found)
      const broken = BREAKS[index]!(nms, found)
      expect(() => check(nms, broken)).to.throw(HttpAuthError, name).with.property('code', 'ERR_HOST_UNSUPPORTED')
    })
  })

  for (const [what, value] of [['null', null], ['a plain object', {}], ['a class of that name', new (class NodeMediaServer {})()], ['a string', 'nms']] as const) {
    it(`takes ${what} for no node-media-server`, () => {
      expect(() => findPackage(value)).to.throw(HttpAuthError).with.property('code', 'ERR_HOST_UNSUPPORTED')
    })
  }

  it('finds the package of a subclass', () => {
    const { nms } = construct()
    class Own extends (nms.constructor as new (config: object) => NmsInstance) {}
    const quiet = sinon.stub(console, 'log')
    const own = new Own({ rtmp: { port: 1 } })
    quiet.restore()
    expect(findPackage(own).version).to.match(new RegExp(`^${HOST}\\.`))
  })
})
