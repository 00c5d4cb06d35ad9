import { expect } from 'chai'
import { PassThrough } from 'node:stream'
import type { Admission } from '../../../../lib/access/admission.js'
import type { AccessRequest, Action } from '../../../../lib/access/request.js'
import { allow } from '../../../../lib/access/verdict.js'
import { createGrants, type Grants } from '../../../../lib/nms/v4/grants.js'
import { installGuard } from '../../../../lib/nms/v4/guard.js'
import { installHooks, type Hooks } from '../../../../lib/nms/v4/hooks.js'
import type { NmsBroadcast, NmsSession } from '../../../../lib/nms/v4/shapes.js'
import { construct } from './nms-package.js'

const admitted = (sessionId: string, action: Action, streamPath: string): Admission =>
  ({ request: { sessionId, action, streamPath } as AccessRequest, verdict: allow('backend', 'allowed') })

describe('the accounting of sessions', () => {
  const { context, load } = construct().found
  let grants: Grants
  let hooks: Hooks
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
    hooks = installHooks(context, grants, ({ id }) => told.push(`intruder ${id}`), (event, { id }) => told.push(`${event} ${id}`))
    uninstallGuard = installGuard(context, grants, ({ id }) => told.push(`intruder ${id}`), (unwanted, action) => hooks.end(unwanted, action), new Set())
    broadcast = new (load('server/broadcast_server.js') as new (path: string) => NmsBroadcast)('/live/s')
    context.broadcasts.set('/live/s', broadcast)
  })
  afterEach(() => {
    uninstallGuard()
    hooks.uninstall()
    context.broadcasts.clear()
  })

  it('begins and ends with what node-media-server raises', () => {
    const viewer = granted('viewer', 'play')
    expect(broadcast.postPlay(viewer)).to.equal(null)
    context.eventEmitter.emit('donePlay', viewer)
    expect(told).to.deep.equal(['start viewer', 'end viewer'])
  })

  it('ends what node-media-server begins and then refuses: a second publisher', () => {
    expect(broadcast.postPublish(granted('first', 'publish'))).to.equal(null)
    expect(broadcast.postPublish(granted('second', 'publish'))).to.include('already has a publisher')
    expect(told).to.deep.equal(['start first', 'start second', 'end second'])
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
