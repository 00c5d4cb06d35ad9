import { expect } from 'chai'
import type { Admission } from '../../../../lib/access/admission.js'
import { allow } from '../../../../lib/access/verdict.js'
import { openViewer } from '../../../../lib/nms/v4/viewer.js'
import { construct } from './nms-package.js'

const ADMISSION: Admission = { verdict: allow('backend', 'allowed'), request: {
  sessionId: 'one', action: 'play', protocol: 'hls', ip: '192.0.2.1', path: '/static/live/s/index.m3u8',
  origin: 'http://host.example', userAgent: '', query: 'token=123', streamPath: '/live/s'
} }

describe('a viewer whom NMS lists', () => {
  const { context } = construct().found
  const thrown = new Error('an app\'s listener')
  const fails = (): never => { throw thrown }
  const failures: unknown[] = []
  const setting = { context, onFailure: (error: unknown) => { failures.push(error) } }
  afterEach(() => {
    for (const event of ['prePlay', 'postPlay', 'donePlay']) context.eventEmitter.off(event, fails)
    failures.length = 0
  })

  for (const way of ['end', 'close'] as const) {
    it(`has ended after ${way}() once and for all, though a listener of donePlay throws`, () => {
      context.eventEmitter.on('donePlay', fails)
      const viewer = openViewer(setting, ADMISSION, '192.0.2.1:5', () => undefined)
      const listed = context.sessions.get('one')
      expect(listed).to.equal(viewer)
      if (way === 'end') viewer.end()
      else listed?.close()
      viewer.end()
      expect([viewer.ended, context.sessions.size, failures]).to.deep.equal([true, 0, [thrown]])
    })
  }

  for (const event of ['prePlay', 'postPlay'] as const) {
    it(`is not let in where a listener of ${event} throws, whatever those of donePlay do`, () => {
      context.eventEmitter.on(event, fails)
      context.eventEmitter.on('donePlay', fails)
      expect(() => openViewer(setting, ADMISSION, '192.0.2.1:5', () => undefined)).to.throw(thrown)
      expect([context.sessions.size, failures]).to.deep.equal([0, [thrown]])
    })
  }
})
