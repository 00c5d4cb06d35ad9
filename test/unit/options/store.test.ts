import { expect } from 'chai'
import { resolve } from '../../../lib/options/resolve.js'
import { certificatePath, TEST_CA } from '../../support/certificates.js'

const URL = 'http://127.0.0.1:6000'
const of = (store: object): ReturnType<typeof resolve>['store'] => resolve({ url: URL, store }).store

describe('the option store', () => {
  it('is off unless it is given', () => { expect(resolve({ url: URL })).not.to.have.property('store') })

  it('is complete with a url', () => {
    expect(of({ url: 'redis://user:secret@store.example:6380/2' })).to.deep.equal({
      urls: ['redis://user:secret@store.example:6380/2'], prefix: 'nms-http-auth', heartbeatMs: 2000, timeoutMs: 250, options: {}
    })
  })
  for (const url of ['rediss://store.example', '/run/redis.sock', '/run/redis.sock?db=2']) {
    it(`takes ${url}`, () => { expect(of({ url })?.urls).to.deep.equal([url]) })
  }
  it('takes several nodes of a Cluster', () => { expect(of({ url: ['redis://a:1', 'redis://b:2'] })?.urls).to.have.length(2) })

  it('reads certificates from files, as those of the backend', () => {
    const { tls } = of({ url: 'rediss://s', options: { tls: { ca: certificatePath('ca.pem'), servername: 'other' } } })?.options as { tls: object }
    expect(tls).to.deep.equal({ ca: TEST_CA, servername: 'other', rejectUnauthorized: true })
  })

  const mistakes: readonly (readonly [store: object, says: RegExp])[] = [
    [{}, /httpAuth\.store\.url: is required/],
    [{ url: 'http://store' }, /httpAuth\.store\.url: must begin with redis:\/\//],
    [{ url: [] }, /httpAuth\.store\.url: must not be empty/],
    [{ url: 'redis://store/zero' }, /database number/],
    [{ url: 'redis://s', prefix: 'a{b}' }, /httpAuth\.store\.prefix: must be 1 to 64/],
    [{ url: 'redis://s', heartbeatMs: 1 }, /httpAuth\.store\.heartbeatMs: must be at least 100/],
    [{ url: 'redis://s', options: { tls: { ca: '/nowhere.pem' } } }, /httpAuth\.store\.options\.tls\.ca: must be PEM text or a file/],
    [{ url: 'redis://s', heartbeat: 1 }, /did you mean "heartbeatMs"/]
  ]
  for (const [store, says] of mistakes) {
    it(`says what is wrong with ${JSON.stringify(store)}`, () => { expect(() => of(store)).to.throw(says).with.property('code', 'ERR_OPTIONS') })
  }

  it('never shows a password', () => {
    expect(() => of({ url: 'http://user:secret@store' })).to.throw().and.satisfy((error: Error) => !error.message.includes('secret'))
  })
})
