import { expect } from 'chai'
import { PassThrough } from 'node:stream'
import type { Admission } from '../../../../lib/access/admission.js'
import type { Place } from '../../../../lib/access/place.js'
import type { AccessRequest, Action } from '../../../../lib/access/request.js'
import { allow } from '../../../../lib/access/verdict.js'
import { createRegistry, type Registry } from '../../../../lib/sessions/registry.js'
import { createGrants, type Grants } from '../../../../lib/nms/v4/grants.js'
import { installGuard } from '../../../../lib/nms/v4/guard.js'
import { installHooks } from '../../../../lib/nms/v4/hooks.js'
import type { NmsBroadcast, NmsSession } from '../../../../lib/nms/v4/shapes.js'
import { construct } from './nms-package.js'

describe('the accounting of sessions', () => {
  const { context, load } = construct().found
  let grants: Grants
  let registry: Registry
  let uninstallHooks: () => void
  const admitted = (sessionId: string, action: Action, streamPath: string): Admission => {
    const request = { sessionId, action, streamPath } as AccessRequest
    const verdict = allow('backend', 'allowed')
    return { request, verdict, place: registry.reserve(request, verdict) as Place }
  }
  let uninstallGuard: () => void
  let told: string[]
  let broadcast: NmsBroadcast

  const session = (id: string, streamPath = '/live/s'): NmsSession => ({
    id, ip: '192.0.2.1:5', protocol: 'other', isPublisher: false, streamHost: '', streamApp: 'live', streamName: 's', streamPath,
    streamQuery: {}, createTime: 0, endTime: 0, inBytes: 0, outBytes: 0, taskKey: '', sendBuffer: () => undefined, close: () => undefined
  })
  const granted = (id: string, action: Action): NmsSession => {
    const made = session(id)
    grants.give(made, { admission: admitted(id, action, made.streamPath) })
    return made
  }

  beforeEach(() => {
    told = []
    grants = createGrants()
    registry = createRegistry()
    registry.watch({
      begin: ({ request }) => told.push(`start ${request.sessionId}`),
      end: ({ request, endReason }) => told.push(`end ${request.sessionId}: ${endReason}`),
      released: ({ request }, reason) => told.push(`never began ${request.sessionId}: ${reason}`)
    })
    const onIntruder = ({ id }: { id: string }): unknown => told.push(`intruder ${id}`)
    uninstallHooks = installHooks(context, grants, onIntruder)
    uninstallGuard = installGuard(context, grants, { onIntruder, takesOver: () => false }, new Set())
    broadcast = new (load('server/broadcast_server.js') as new (path: string) => NmsBroadcast)('/live/s')
    context.broadcasts.set('/live/s', broadcast)
  })
  afterEach(() => {
    uninstallGuard()
    uninstallHooks()
    context.broadcasts.clear()
  })

  it('begins when node-media-server has begun to serve', () => {
    const viewer = granted('viewer', 'play')
    expect(broadcast.postPlay(viewer)).to.equal(null)
    expect(told).to.deep.equal(['start viewer'])
    expect(registry.list()).to.deep.include.members([{ ...registry.list()[0], id: 'viewer', address: '192.0.2.1:5', source: 'backend' }])
  })

  it('counts of a publisher who came back within the grace window what is new', () => {
    const first = granted('first', 'publish')
    broadcast.postPublish(first)
    Object.assign(first, { inBytes: 1000, createTime: 5 })
    ;(broadcast as unknown as { donePublish: (session: NmsSession) => void }).donePublish(first)
    const second = Object.assign(granted('second', 'publish'), { inBytes: 10, createTime: 9 })
    broadcast.postPublish(second)
    second.inBytes += 5
    expect(second.inBytes).to.equal(1005)
    expect(registry.list().find(({ id }) => id === 'second')).to.include({ inBytes: 15 })
  })

  it('does not begin for whom node-media-server refuses: a second publisher', () => {
    expect(broadcast.postPublish(granted('first', 'publish'))).to.equal(null)
    expect(broadcast.postPublish(granted('second', 'publish'))).to.include('already has a publisher')
    expect(told).to.deep.equal(['start first', 'never began second: refused'])
  })

  for (const [what, action, at] of [['for the other action', 'publish', '/live/s'], ['for another stream', 'play', '/live/other']] as const) {
    it(`knows no session whose grant is ${what}`, () => {
      const viewer = session('viewer')
      grants.give(viewer, { admission: admitted('viewer', action, at) })
      expect(broadcast.postPlay(viewer)).to.include('not authorized')
      expect(told).to.deep.equal(['intruder viewer'])
    })
  }

  for (const [action, begin] of [['play', 'postPlay'], ['publish', 'postPublish']] as const) {
    it(`leaves nothing of a client that left while node-media-server looked for a file or read a body (${action})`, () => {
      const socket = new PassThrough().destroy()
      const request = Object.assign(new PassThrough(), { socket })
      const client = Object.assign(granted('client', action), { protocol: 'flv', req: request, res: {}, flv: {}, onData: () => undefined, onClose: () => undefined })
      expect(broadcast[begin](client)).to.equal('the client has left')
      context.sessions.set(client.id, client)
      expect(told).to.deep.equal([])
      expect([context.sessions.size, context.broadcasts.size, broadcast.subscribers.size, broadcast.publisher]).to.deep.equal([0, 0, 0, null])
    })
  }

  it('takes a grant once', () => {
    const viewer = granted('viewer', 'play')
    broadcast.postPlay(viewer)
    expect(broadcast.postPlay(viewer)).to.include('not authorized')
  })
})
