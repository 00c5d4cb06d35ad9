import { expect } from 'chai'
import { allow, type Verdict } from '../../lib/access/verdict.js'
import { HttpAuth, type HttpAuthEvents } from '../../lib/handle.js'
import { publish } from '../../lib/assembly/listeners.js'
import { createCounters } from '../../lib/observe/stats.js'
import { requestOf } from './policy/support.js'

const verdict: Verdict = allow('backend', '200')

describe('the handle', () => {
  const made = (): { handle: HttpAuth, errors: [string, unknown][], tell: (...args: HttpAuthEvents['verdict']) => void } => {
    const errors: [string, unknown][] = []
    const handle = new HttpAuth(() => ({ ...createCounters().read(), held: 0, viewers: 0, backends: [], dropped: {}, dryRun: false }), { close: () => Promise.resolve(), drain: () => Promise.resolve(), reload: () => Promise.resolve(), sessions: () => [], end: () => Promise.resolve(0) }, () => { throw new Error('not asked for') })
    return { handle, errors, tell: (...args) => publish(handle, (event, error) => errors.push([event, error]), 'verdict', ...args) }
  }

  it('tells every listener, in order, with what its event has', () => {
    const { handle, tell, errors } = made()
    const heard: unknown[] = []
    handle.on('verdict', (...args) => heard.push(['first', ...args]))
    handle.on('verdict', function (this: HttpAuth, ...args) { heard.push([this === handle, ...args]) })
    handle.on('unavailable', () => heard.push('other'))
    const request = requestOf()
    tell(request, verdict)
    expect(heard).to.deep.equal([['first', request, verdict], [true, request, verdict]])
    expect(errors).to.deep.equal([])
  })

  it('survives a listener that throws, and tells the others', () => {
    const { handle, tell, errors } = made()
    const error = new Error('bad listener')
    let heard = 0
    handle.on('verdict', () => { throw error })
    handle.on('verdict', () => { heard += 1 })
    tell(requestOf(), verdict)
    expect(heard).to.equal(1)
    expect(errors).to.deep.equal([['verdict', error]])
  })

  it('survives a listener that rejects', async () => {
    const { handle, tell, errors } = made()
    const error = new Error('bad listener')
    handle.on('verdict', () => Promise.reject(error) as unknown as void)
    tell(requestOf(), verdict)
    await new Promise(setImmediate)
    expect(errors).to.deep.equal([['verdict', error]])
  })

  it('tells a once listener once, and one that goes away no more', () => {
    const { handle, tell } = made()
    let once = 0
    let off = 0
    const leaving = (): void => { off += 1 }
    handle.once('verdict', () => { once += 1 })
    handle.on('verdict', leaving)
    tell(requestOf(), verdict)
    handle.off('verdict', leaving)
    tell(requestOf(), verdict)
    expect([once, off]).to.deep.equal([1, 1])
  })

  it('does not mind listeners that come and go while they are told', () => {
    const { handle, tell } = made()
    const heard: string[] = []
    handle.on('verdict', () => {
      heard.push('a')
      handle.removeAllListeners('verdict')
      handle.on('verdict', () => heard.push('late'))
    })
    handle.on('verdict', () => heard.push('b'))
    tell(requestOf(), verdict)
    expect(heard).to.deep.equal(['a', 'b'])
  })
})
