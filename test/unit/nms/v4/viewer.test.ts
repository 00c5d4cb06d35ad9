import { expect } from 'chai'
import type { Admission } from '../../../../lib/access/admission.js'
import type { Place } from '../../../../lib/access/place.js'
import type { AccessRequest } from '../../../../lib/access/request.js'
import { allow } from '../../../../lib/access/verdict.js'
import { createRegistry } from '../../../../lib/sessions/registry.js'
import { openViewer } from '../../../../lib/nms/v4/viewer.js'
import { construct } from './nms-package.js'

const REQUEST: AccessRequest = {
  sessionId: 'one', action: 'play', protocol: 'hls', ip: '192.0.2.1', path: '/static/live/s/index.m3u8',
  origin: 'http://host.example', userAgent: '', query: 'token=123', streamPath: '/live/s'
}

const OWNER = { closed: () => undefined, quietMs: () => 0, goneAfterMs: () => Infinity }

describe('a viewer whom NMS lists', () => {
  const { context } = construct().found
  const thrown = new Error('an app\'s listener')
  const fails = (): never => { throw thrown }
  const failures: unknown[] = []
  const registry = createRegistry()
  const ends: unknown[] = []
  registry.watch({ end: ({ endReason }) => { ends.push(endReason) }, released: (_, reason) => { ends.push(`never begun: ${reason}`) } })
  const admission = (): Admission => {
    const verdict = allow('backend', 'allowed')
    return { request: REQUEST, verdict, place: registry.reserve(REQUEST, verdict) as Place }
  }
  const setting = { context, onFailure: (error: unknown) => { failures.push(error) } }
  afterEach(() => {
    for (const event of ['prePlay', 'postPlay', 'donePlay']) context.eventEmitter.off(event, fails)
    failures.length = ends.length = 0
  })

  for (const way of ['end', 'close'] as const) {
    it(`has ended after ${way}() once and for all, though a listener of donePlay throws`, () => {
      context.eventEmitter.on('donePlay', fails)
      const viewer = openViewer(setting, admission(), '192.0.2.1:5', OWNER)
      const listed = context.sessions.get('one')
      expect(listed).to.equal(viewer)
      if (way === 'end') viewer.end('idle')
      else listed?.close()
      viewer.end('left')
      expect([viewer.ended, context.sessions.size, failures]).to.deep.equal([true, 0, [thrown]])
      expect([ends, registry.size]).to.deep.equal([[way === 'end' ? 'idle' : 'closed'], 0])
    })
  }

  for (const event of ['prePlay', 'postPlay'] as const) {
    it(`is not let in where a listener of ${event} throws, whatever those of donePlay do`, () => {
      context.eventEmitter.on(event, fails)
      context.eventEmitter.on('donePlay', fails)
      expect(() => openViewer(setting, admission(), '192.0.2.1:5', OWNER)).to.throw(thrown)
      expect([context.sessions.size, failures]).to.deep.equal([0, [thrown]])
      expect([ends, registry.size]).to.deep.equal([['never begun: refused'], 0])
    })
  }
})
