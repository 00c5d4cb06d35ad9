import { expect } from 'chai'
import fc from 'fast-check'
import type { AccessRequest } from '../../../lib/access/request.js'
import { buildRequest, type BackendRequest } from '../../../lib/backend/backend.js'
import { MAX_HEADER_BYTES } from '../../../lib/backend/header-value.js'
import { MAX_PATH_BYTES, MAX_QUERY_BYTES } from '../../../lib/access/bounds.js'
import { requestBuilder } from '../../../lib/backend/request.js'
import { HttpAuthError } from '../../../lib/errors.js'
import { VERSION } from '../../../lib/version.js'
import { access } from './raw-backend.js'

const URL = 'http://127.0.0.1:6000'
const plain = { headers: {}, params: {} }

const built = (change: Partial<AccessRequest>, settings: Partial<typeof plain> = {}, url = URL): BackendRequest => {
  const request = buildRequest({ ...plain, ...settings }, url, access(change))
  if ('malformed' in request) throw new Error(request.malformed)
  return request
}
const malformed = (change: Partial<AccessRequest>): string | undefined => {
  const request = buildRequest(plain, URL, access(change))
  return 'malformed' in request ? request.malformed : undefined
}
const utf8 = (latin1: string | undefined): string => Buffer.from(latin1 ?? '', 'latin1').toString('utf8')
const headerOf = ({ headers }: BackendRequest, name: string): string | undefined => headers[headers.indexOf(name) + 1]

describe('the request to the backend', () => {
  it('is the specification\'s: five headers in its spelling and the client\'s query; and the plugin\'s name', () => {
    expect(built({})).to.deep.equal({
      origin: 'http://127.0.0.1:6000',
      path: '/?token=123',
      headers: [
        'X-Session-Id', 'ABCD1234', 'X-Real-Ip', '203.0.113.7', 'X-Real-Path', '/live/s.flv',
        'X-Real-Origin', 'http://live.example.com', 'X-Real-Ua', 'player/1',
        'User-Agent', `node-media-server-http-auth/${VERSION}`
      ]
    })
  })

  describe('order of the query: the URL\'s own, the operator\'s parameters, the client\'s', () => {
    const params = { name: '{stream}' } as Record<string, string>
    for (const [own, operators, query, path] of [
      ['', {}, '', '/a'],
      ['', {}, 'x=1', '/a?x=1'],
      ['?k=1', {}, '', '/a?k=1'],
      ['?k=1', {}, 'x=1', '/a?k=1&x=1'],
      ['', params, '', '/a?name=s'],
      ['', params, 'x=1', '/a?name=s&x=1'],
      ['?k=1', params, '', '/a?k=1&name=s'],
      ['?k=1', params, 'x=1', '/a?k=1&name=s&x=1']
    ] as const) {
      it(`${own || 'none'}, ${JSON.stringify(operators)}, ${query || 'none'} is ${path}`, () => {
        expect(built({ query }, { params: operators }, `${URL}/a${own}`).path).to.equal(path)
      })
    }
  })

  describe('bytes of a client\'s query', () => {
    for (const [title, query, sent] of [
      ['legal bytes stay', '!"$%&\'()*+,-./:;<=>?@[\\]^_`{|}~aZ09', '!"$%&\'()*+,-./:;<=>?@[\\]^_`{|}~aZ09'],
      ['escapes stay, also broken ones', '%41%zz%', '%41%zz%'],
      ['duplicates stay in order', 'token=1&token=2&token=1', 'token=1&token=2&token=1'],
      ['empty parts stay', '&&a&=&', '&&a&=&'],
      ['space and controls are encoded', 'a b\t\r\n\0\x1f\x7f', 'a%20b%09%0D%0A%00%1F%7F'],
      ['# is encoded', 'a#b', 'a%23b'],
      ['what is not ASCII goes as UTF-8', 'ä€😀\x80', '%C3%A4%E2%82%AC%F0%9F%98%80%C2%80'],
      ['half a surrogate pair is U+FFFD', 'a\ud83db', 'a%EF%BF%BDb']
    ] as const) {
      it(title, () => { expect(built({ query }).path).to.equal(`/?${sent}`) })
    }
  })

  describe('a client\'s parameter that is one of the operator\'s in another spelling is dropped', () => {
    const settings = { params: { name: 'a', user_id: 'b' } }
    const operators = 'name=a&user_id=b'
    for (const spelling of [
      'name=x', 'name', 'NAME=x', 'n%61me=x', '%6E%61%6D%65=x', '+name=x', '%20name=x', '++name=x', '%09name=x', 'name[]=x', 'name[a]=x',
      'name%5B%5D=x', 'name[=x', 'name%00y=x', 'name%00[]=x', 'user.id=x', 'user+id=x', 'user%20id=x', 'user%2eid=x', 'user[id=x', 'USER_ID=x', 'n%u0061me=x'
    ]) {
      it(spelling, () => {
        expect(built({ query: `token=1&${spelling}&z=2` }, settings).path).to.equal(`/?${operators}&token=1&z=2`)
        expect(built({ query: `${spelling};z=2` }, settings).path).to.equal(`/?${operators}&z=2`)
        expect(built({ query: spelling }, settings).path).to.equal(`/?${operators}`)
      })
    }
    for (const other of ['names=x', 'nam=x', 'x=name', 'n.ame=x', '%6E%61%6D=x', '_name=x', 'user-id=x', 'n%2561me=x', '&&=;']) {
      it(`but not ${other}`, () => {
        expect(built({ query: other }, settings).path).to.equal(`/?${operators}&${other}`)
      })
    }
    it('a ; hides nothing', () => {
      expect(built({ query: 'a=1;name=x;b=2' }, settings).path).to.equal(`/?${operators}&a=1;b=2`)
    })
    it('the names in the backend URL\'s own query are the operator\'s too', () => {
      expect(built({ query: 'KEY=x&token=1' }, {}, `${URL}/?key=secret`).path).to.equal('/?key=secret&token=1')
    })
    it('what a spelling decodes to is compared after the client\'s bytes were made legal', () => {
      expect(built({ query: ' name=x&\0name=y&name\0=z' }, settings).path).to.equal(`/?${operators}&%00name=y`)
    })
  })

  it('fills every placeholder, percent-encoded; braces around anything else are text', () => {
    const params = { a: '{app}', s: '{stream}', p: '{path}', i: '{ip}', t: '{action}', o: '{protocol}', d: '{sessionId}', x: 'a b&{nope}', 'n m': '' }
    expect(built({ streamPath: '/live/ä&b', path: '/live/ä&b.flv', ip: '2001:db8::1', query: '' }, { params }).path).to.equal(
      '/?a=live&s=%C3%A4%26b&p=%2Flive%2F%C3%A4%26b.flv&i=2001%3Adb8%3A%3A1&t=play&o=http-flv&d=ABCD1234&x=a%20b%26%7Bnope%7D&n%20m=')
  })

  describe('header values', () => {
    for (const [title, text, sent] of [
      ['printable ASCII stays', ' a"b\\~', ' a"b\\~'],
      ['line breaks cannot smuggle a header', 'a\r\nX-Real-Ip: 127.0.0.1', 'aX-Real-Ip: 127.0.0.1'],
      ['NUL, TAB, DEL and C1 controls go', 'a\0\t\x7f\x80\x85\x9fb', 'ab'],
      ['the rest goes out as UTF-8', 'ä€😀', 'ä€😀'],
      ['half a surrogate pair is U+FFFD', 'a\udc00', 'a\ufffd']
    ] as const) {
      it(title, () => { expect(utf8(headerOf(built({ userAgent: text }), 'X-Real-Ua'))).to.equal(sent) })
    }
    for (const character of ['a', 'ä', '€', '😀']) {
      it(`are cut between two characters (${Buffer.byteLength(character)} bytes each)`, () => {
        const value = headerOf(built({ userAgent: `x${character.repeat(5000)}` }), 'X-Real-Ua') ?? ''
        expect(value.length).to.be.within(MAX_HEADER_BYTES - 3, MAX_HEADER_BYTES)
        expect(utf8(value)).to.match(new RegExp(`^x(${character})+$`, 'u'))
      })
    }
  })

  describe('X-Real-Path', () => {
    for (const [path, sent] of [
      ['/live/s-._~!$&\'()*+,;=:@', '/live/s-._~!$&\'()*+,;=:@'],
      ['/live/a%2fb', '/live/a%252fb'],
      ['/live/a b?c#d', '/live/a%20b%3Fc%23d'],
      ['/live/\r\nX: y', '/live/%0D%0AX:%20y'],
      ['/live/ä😀"<>[\\]^`{|}', '/live/%C3%A4%F0%9F%98%80%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D']
    ] as const) {
      it(`of ${JSON.stringify(path)} is ${sent}`, () => { expect(headerOf(built({ path }), 'X-Real-Path')).to.equal(sent) })
    }
  })

  describe('what no backend can be asked about is malformed', () => {
    for (const [title, change, reason] of [
      ['a query of 1 byte too many', { query: 'a'.repeat(MAX_QUERY_BYTES + 1) }, 'query too long'],
      ['a query too long once encoded', { query: 'ä'.repeat(MAX_QUERY_BYTES / 6 + 1) }, 'query too long'],
      ['a path too long, since a cut one is another path', { path: `/${'a'.repeat(MAX_PATH_BYTES)}` }, 'path too long'],
      ['a path too long once encoded', { path: `/${'ä'.repeat(MAX_PATH_BYTES / 6 + 1)}` }, 'path too long'],
      ['a path that UTF-8 cannot tell from another', { path: '/live/\ud800' }, 'path is not text']
    ] as const) {
      it(title, () => { expect(malformed(change)).to.equal(reason) })
    }
    it('but the longest query and path are sent whole', () => {
      const { path } = built({ query: 'a'.repeat(MAX_QUERY_BYTES), path: `/${'b'.repeat(MAX_PATH_BYTES - 1)}` })
      expect(path).to.have.lengthOf(MAX_QUERY_BYTES + 2)
    })
  })

  describe('headers of the operator\'s', () => {
    it('come after the five', () => {
      expect(built({}, { headers: { Authorization: 'Bearer s', 'X-Key': 'k' } }).headers.slice(12)).to.deep.equal(['Authorization', 'Bearer s', 'X-Key', 'k'])
    })
    for (const name of ['User-Agent', 'user-agent']) {
      it(`may set another ${name}`, () => {
        expect(built({}, { headers: { [name]: 'probe/1' } }).headers.slice(10)).to.deep.equal([name, 'probe/1'])
      })
    }
    for (const name of ['X-Real-Ip', 'x-real-ip', 'X_REAL_IP', 'x_real-Ua', 'X.Session.Id']) {
      it(`cannot be ${name}`, () => {
        expect(() => requestBuilder({ headers: { [name]: '1' }, params: {} }, URL)).to.throw(HttpAuthError, name)
      })
    }
    it('cannot hold what no header may', () => {
      expect(() => requestBuilder({ headers: { 'X-Key': 'secret\r\n' }, params: {} }, URL)).to.throw(HttpAuthError, /X-Key has characters/)
        .that.satisfies(({ message }: Error) => !message.includes('secret'))
    })
  })

  describe('whatever a client sends', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 5000 }), fc.string({ maxLength: 100 }))
    const request = fc.record({ sessionId: text, ip: text, path: text, origin: text, userAgent: text, query: text, streamPath: text })
    const operators = { headers: { 'X-Key': 'k' }, params: { name: '{stream}', ip: '{ip}', path: '{path}', app: '{app}' } }

    it('building never throws and gives only legal bytes', () => {
      fc.assert(fc.property(request, (change) => {
        const result = buildRequest(operators, `${URL}/a?own=1`, access(change))
        if ('malformed' in result) return
        expect(result.path).to.match(/^\/a\?own=1&name=[!"$-~]*$/)
        expect(result.headers).to.have.lengthOf(14)
        for (const value of result.headers) expect(value).to.match(/^[ -~\x80-\xff]*$/).and.have.property('length').at.most(MAX_PATH_BYTES)
      }), { numRuns: 300 })
    })
    it('no parameter in the request reads as the operator\'s but the operator\'s own', () => {
      const spelled = fc.constantFrom('name', 'n%61me', '+name', 'name[]', 'name%00', ' name', 'NAME', 'x', 'na', 'me', '%5b', '[', '&', ';', '=', '.', '%', '\0', '+')
      fc.assert(fc.property(fc.array(spelled, { maxLength: 12 }), (pieces) => {
        const { path } = built({ query: pieces.join('') }, { params: { name: 'right' } })
        const php = path.slice(2).split(/[&;]/).map((part) => decodeURIComponent((part.split('=')[0] ?? '').replaceAll('+', ' ').replace(/%(?![\da-f]{2})/gi, '%25')))
          .map((name) => name.replace(/^ +/, '').replace(/[\0[].*$/s, '').toLowerCase())
        expect(php.filter((name) => name === 'name')).to.have.lengthOf(1)
      }), { numRuns: 500 })
    })
    it('a query without the operator\'s names and with legal bytes arrives byte for byte', () => {
      const legal = fc.string({ unit: fc.constantFrom(...'abc&;=%+./?-_~'), maxLength: 60 })
      fc.assert(fc.property(legal, (query) => {
        expect(built({ query }, { params: { name: 'x' } }).path).to.equal(query === '' ? '/?name=x' : `/?name=x&${query}`)
      }))
    })
  })
})
