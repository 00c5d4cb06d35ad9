import { expect } from 'chai'
import { describe as inWords } from '../../../lib/options/describe.js'
import type { Options } from '../../../lib/options/options.js'
import { resolve } from '../../../lib/options/resolve.js'

const URL = 'http://127.0.0.1:6000'
const lines = (options: Options): string[] => inWords(resolve(options))

describe('what is in force, for the start', () => {
  it('names who is asked, what happens in an outage, what is protected and what is open', () => {
    expect(lines({ url: URL })).to.deep.equal([
      'contract:   custom backend',
      'players:    asks http://127.0.0.1:6000/',
      '            when the backend is unavailable (nothing within 3000 ms): deny',
      '            running sessions are asked about again when X-AuthDuration is over',
      'publishers: asks http://127.0.0.1:6000/',
      '            when the backend is unavailable (nothing within 3000 ms): deny',
      'limits:     sessions per user: X-Max-Sessions or X-Unique, or else no limit; at the limit the oldest ends',
      'rules:      none',
      'files:      .html .css .js .mjs .map .json .svg .png .jpg .jpeg .gif .webp .ico .woff .woff2 .txt are open'
    ])
  })

  it('warns whoever lets everybody in during an outage, players and publishers each', () => {
    const warned = (options: Options): number => lines(options).filter((line) => line.includes('EVERYBODY gets in during an outage')).length
    expect(warned({ url: URL, defaultAction: 'allow' })).to.equal(2)
    expect(warned({ url: URL, publish: { defaultAction: 'allow' } })).to.equal(1)
    expect(warned({ url: URL, defaultAction: 'allow', publish: { defaultAction: 'deny' } })).to.equal(1)
    expect(warned({ url: URL })).to.equal(0)
  })

  for (const [options, line] of [
    [{ actions: ['play'] }, 'publishers: OPEN, the backend is not asked'],
    [{ actions: ['publish'] }, 'players:    OPEN, the backend is not asked'],
    [{ actions: ['publish'], rules: [{ verdict: 'pass', path: '/live/*' }] }, 'players:    OPEN after the rules, the backend is not asked'],
    [{ preset: 'smarty', rules: [{ verdict: 'allow', ip: '10.0.0.0/8', for: 'publish' }] }, 'publishers: refused unless a rule lets them in: Smarty knows viewers, not publishers: a rule or a publish section must let them in'],
    [{ url: ['http://a', 'http://b'] }, 'players:    asks http://a/, http://b/ (in this order)'],
    [{ url: ['http://a', 'http://b'], strategy: 'any' }, 'players:    asks http://a/, http://b/ (all at once, one 200 is enough)'],
    [{ publish: { url: 'https://p/x' } }, 'publishers: asks https://p/x'],
    [{ timeoutMs: 5, lastVerdictMs: 7 }, '            when the backend is unavailable (nothing within 5 ms): deny; allowed in the last 7 ms: allow'],
    [{ requireHeader: 'X-Id' }, '            a 200 without X-Id is a denial'],
    [{ denyBody: true }, '            a 200 whose body does not say "error": 0 is a denial'],
    [{ rememberMs: 9 }, '            an allow is remembered for 9 ms'],
    [{ recheckMs: 180_000 }, '            running sessions are asked about again when X-AuthDuration is over, or else every 180000 ms'],
    [{ recheck: false }, '            running sessions are never asked about again'],
    [{ limits: false }, 'limits:     none, whatever the backend says'],
    [{ limits: { perUser: 2, whenFull: 'denyNew' } }, 'limits:     sessions per user: X-Max-Sessions or X-Unique, or else 2 sessions; at the limit newcomers are refused'],
    [{ tls: { rejectUnauthorized: false } }, '            the certificate of the backend is NOT checked'],
    [{ rules: [{ verdict: 'deny', ip: '::/0' }, { verdict: 'allow' }] }, 'rules:      2, the first that matches wins'],
    [{ rules: [{ verdict: 'deny', ip: '::/0' }] }, '            rules[0]: deny ip ::/0'],
    [{ files: { open: [] } }, 'files:      none are open'],
    [{ trustProxy: ['10.0.0.0/8', '::1'] }, 'proxies:    10.0.0.0/8, ::1 are believed']
  ] as const) {
    it(`says of ${JSON.stringify(options)}: ${line.trim()}`, () => {
      expect(lines({ url: URL, ...options } as Options)).to.include(line)
    })
  }

  it('says that publishers are asked about again only where their section does', () => {
    const again = (options: Options): number => lines(options).filter((line) => line.includes('asked about again')).length
    expect(again({ url: URL })).to.equal(1)
    expect(again({ url: URL, publish: { timeoutMs: 5 } })).to.equal(1)
    expect(again({ url: URL, publish: { recheck: {} } })).to.equal(2)
  })

  it('holds no secret', () => {
    const text = lines({
      url: [`${URL}/?key=hunter2`, 'http://b/?hunter2'], headers: { Authorization: 'hunter2' }, params: { a: 'hunter2' }, publish: { url: 'http://p/?a=b&hunter2=hunter2&hunter2' }
    }).join('\n')
    expect(text).to.include('?key=***').and.to.include('http://b/?***')
    expect(text.replace('hunter2=***', '')).to.not.include('hunter2')
  })
})
