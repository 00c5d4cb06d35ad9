import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type { AccessRequest } from '../../../lib/access/request.js'
import type { BackendSettings, Settings } from '../../../lib/access/settings.js'
import { buildRequest } from '../../../lib/backend/backend.js'
import { HttpAuthError } from '../../../lib/errors.js'
import { describe as inWords } from '../../../lib/options/describe.js'
import type { BackendOptions, Options } from '../../../lib/options/options.js'
import { PRESETS, type PresetName } from '../../../lib/options/presets.js'
import { resolve } from '../../../lib/options/resolve.js'
import { SCHEMA } from '../../../lib/options/schema.js'
import { access } from '../backend/raw-backend.js'

const PORTALS = (Object.keys(PRESETS) as PresetName[]).filter((name) => name !== 'custom')
const publishersOf = (options: Options): BackendSettings => {
  const { publish } = resolve(options)
  if ('refuse' in publish) throw new Error(publish.refuse)
  return publish
}
const mistakesOf = (options: unknown): string => {
  try {
    resolve(options)
    return 'none'
  } catch (error) {
    if (error instanceof HttpAuthError && error.code === 'ERR_OPTIONS') return error.message
    throw error
  }
}

describe('presets', () => {
  describe('complete a URL from as little as the operator knows', () => {
    const MINISTRA = '/stalker_portal/server/api/chk_flussonic_tmp_link.php'
    const HOSTED = '/server/api/chk_flussonic_tmp_link.php'
    const SMARTY = '/tvmiddleware/api/streamservice/token/check/'
    const cases: Record<PresetName, readonly (readonly [given: string, asked: string])[]> = {
      custom: [
        ['http://127.0.0.1:6000', 'http://127.0.0.1:6000/'],
        ['http://127.0.0.1:6000/auth.php?key=1', 'http://127.0.0.1:6000/auth.php?key=1']
      ],
      ministra: [
        ['http://example.com', `http://example.com${MINISTRA}`],
        ['http://example.com/', `http://example.com${MINISTRA}`],
        ['http://example.com:88', `http://example.com:88${MINISTRA}`],
        ['https://example.com/stalker_portal', `https://example.com${MINISTRA}`],
        ['http://example.com/stalker_portal/', `http://example.com${MINISTRA}`],
        ['http://example.com/stalker_portal/c/', `http://example.com${MINISTRA}`],
        ['http://example.com/stalker_portal/server', `http://example.com${MINISTRA}`],
        [`http://example.com${MINISTRA}`, `http://example.com${MINISTRA}`],
        ['http://example.com/tv/stalker_portal', `http://example.com/tv${MINISTRA}`],
        ['http://example.com/stalker_portal?key=1', `http://example.com${MINISTRA}?key=1`],
        ['http://NAME.ministra.pro', `http://name.ministra.pro${HOSTED}`],
        ['http://name.ministra.pro/server/api/', `http://name.ministra.pro${HOSTED}`],
        [`http://name.ministra.pro${HOSTED}`, `http://name.ministra.pro${HOSTED}`],
        ['http://ministra.pro.example.com', `http://ministra.pro.example.com${MINISTRA}`],
        ['http://example.com/my/own.php', 'http://example.com/my/own.php']
      ],
      iptvportal: [
        ['https://go.iptvportal.cloud', 'https://go.iptvportal.cloud/auth/arescrypt/'],
        ['https://go.iptvportal.cloud/auth', 'https://go.iptvportal.cloud/auth/arescrypt/'],
        ['https://go.iptvportal.cloud/auth/arescrypt', 'https://go.iptvportal.cloud/auth/arescrypt/'],
        ['https://go.iptvportal.cloud/auth/arescrypt/', 'https://go.iptvportal.cloud/auth/arescrypt/'],
        ['http://10.0.0.5:8080', 'http://10.0.0.5:8080/auth/arescrypt/']
      ],
      smarty: [
        ['http://example.com', `http://example.com${SMARTY}`],
        ['http://example.com/tvmiddleware', `http://example.com${SMARTY}`],
        ['http://example.com/tvmiddleware/api/', `http://example.com${SMARTY}`],
        [`http://example.com${SMARTY}`, `http://example.com${SMARTY}`],
        ['http://example.com/tvmiddleware/api/streamservice/token/check', `http://example.com${SMARTY}`],
        ['http://example.com/smarty/tvmiddleware', `http://example.com/smarty${SMARTY}`]
      ],
      flussonic: [['http://example.com', 'http://example.com/'], ['http://example.com/auth.php', 'http://example.com/auth.php']]
    }
    for (const [preset, urls] of Object.entries(cases) as [PresetName, readonly (readonly [string, string])[]][]) {
      for (const [url, asked] of urls) {
        it(`${preset}: ${url}`, () => { expect(resolve({ preset, url }).play.urls).to.deep.equal([asked]) })
      }
    }
    it('each of several', () => {
      expect(resolve({ preset: 'ministra', url: ['http://a', 'http://b/stalker_portal'] }).play.urls)
        .to.deep.equal([`http://a${MINISTRA}`, `http://b${MINISTRA}`])
    })
    it('IPTVPORTAL has one of its own, and it is over TLS', () => {
      expect(resolve({ preset: 'iptvportal' }).play.urls).to.deep.equal(['https://go.iptvportal.cloud/auth/arescrypt/'])
    })
    for (const preset of ['custom', 'ministra', 'smarty', 'flussonic'] as const) {
      it(`${preset} needs one`, () => { expect(mistakesOf({ preset })).to.equal('httpAuth.url: is required') })
    }
  })

  describe('set what the portal needs, and nothing else', () => {
    const needs: Record<PresetName, Pick<BackendSettings, 'requireHeader' | 'denyBody' | 'params'>> = {
      custom: { requireHeader: null, denyBody: false, params: {} },
      ministra: { requireHeader: 'X-UserId', denyBody: false, params: {} },
      iptvportal: { requireHeader: null, denyBody: false, params: {} },
      smarty: { requireHeader: null, denyBody: true, params: { name: '{stream}', ip: '{ip}' } },
      flussonic: {
        requireHeader: null, denyBody: false,
        params: { name: '{app}/{stream}', ip: '{ip}', proto: '{proto}', session_id: '{sessionId}', request_type: '{requestType}', request_number: '{requestNumber}' }
      }
    }
    const url = 'http://example.com/x'
    const bare = resolve({ url }).play
    const [early, late] = [{ staleMs: 3_600_000, early: true, afterOutage: false }, { staleMs: 3_600_000, early: false, afterOutage: false }]
    const rechecks: Partial<Record<PresetName, object>> = { ministra: { recheck: late }, iptvportal: { recheck: early }, smarty: { recheckMs: 180_000 }, flussonic: { recheckMs: 180_000 } }
    for (const [preset, set] of Object.entries(needs) as [PresetName, typeof needs.custom][]) {
      it(preset, () => { expect(resolve({ preset, url }).play).to.deep.equal({ ...bare, ...set, ...rechecks[preset] }) })
    }
    it('the specification\'s contract is what there is without a preset', () => {
      expect(resolve({ preset: 'custom', url })).to.deep.equal(resolve({ url }))
    })
  })

  describe('a backend for Flussonic gets its words', () => {
    const { play } = resolve({ preset: 'flussonic', url: 'http://billing.example.com/auth' })
    const pathFor = (change: Partial<AccessRequest>): string => {
      const request = buildRequest(play, play.urls[0] ?? '', access({ sessionId: 'S1', query: 'token=abc&name=other&request_type=x', ...change }))
      return 'malformed' in request ? request.malformed : request.path
    }
    for (const [protocol, proto] of [
      ['rtmp', 'rtmp'], ['rtmps', 'rtmp'], ['http-flv', 'flv'], ['https-flv', 'flv'], ['ws-flv', 'flv'], ['wss-flv', 'flv'], ['hls', 'hls'], ['dash', 'dash'], ['file', 'mp4']
    ] as const) {
      it(`${protocol}: proto=${proto}`, () => {
        expect(pathFor({ protocol })).to.equal(`/auth?name=live%2Fs&ip=203.0.113.7&proto=${proto}&session_id=S1&request_type=new_session&request_number=0&token=abc`)
      })
    }
    it('asks again as it does', () => {
      expect(pathFor({ requestNumber: 3 })).to.include('&request_type=update_session&request_number=3&token=abc')
    })
  })

  describe('are weaker than the operator', () => {
    const url = 'http://example.com'
    const values: readonly (readonly [Options, Partial<BackendSettings>])[] = [
      [{ preset: 'ministra', url, requireHeader: null }, { requireHeader: null }],
      [{ preset: 'ministra', url, requireHeader: 'X-Other' }, { requireHeader: 'X-Other' }],
      [{ preset: 'smarty', url, denyBody: false }, { denyBody: false }],
      [{ preset: 'smarty', url, params: { ip: null } }, { params: { name: '{stream}' } }],
      [{ preset: 'smarty', url, params: { name: '{app}-{stream}', service: '7' } }, { params: { name: '{app}-{stream}', ip: '{ip}', service: '7' } }],
      [{ preset: 'ministra', url, defaultAction: 'allow', timeoutMs: 1, rememberMs: 5 }, { defaultAction: 'allow', timeoutMs: 1, rememberMs: 5 }]
    ]
    for (const [options, expected] of values) {
      it(JSON.stringify(options), () => { expect(resolve(options).play).to.deep.include(expected) })
    }
  })

  describe('of portals know viewers, not publishers', () => {
    const url = 'http://example.com'
    const section: BackendOptions = { url: 'http://127.0.0.1:6000/publish' }
    for (const preset of PORTALS) {
      it(`${preset} refuses a publisher for whom nothing speaks, and says why and what to do`, () => {
        expect(resolve({ preset, url }).publish).to.deep.equal({
          refuse: `${PRESETS[preset].title} knows viewers, not publishers: a rule or a publish section must let them in`
        })
      })
      it(`${preset} takes a publish section for what it says, without the portal's address, secrets and quirks`, () => {
        const options = { preset, url, headers: { 'X-Key': 'k' }, params: { a: '1' }, rememberMs: 1000, publish: section } satisfies Options
        expect(publishersOf(options)).to.deep.equal(resolve({ url: 'http://127.0.0.1:6000/publish', recheck: false }).play)
      })
      it(`${preset} needs a url in the publish section`, () => {
        expect(mistakesOf({ preset, url, publish: { timeoutMs: 10 } })).to.equal('httpAuth.publish.url: is required')
      })
    }
    it('a custom backend knows both, and a publish section changes what it names', () => {
      expect(resolve({ url }).publish).to.deep.equal(resolve({ url }).play)
      expect(publishersOf({ url, timeoutMs: 7, rememberMs: 8, publish: { timeoutMs: 9 } })).to.include({ timeoutMs: 9, rememberMs: 8 })
    })
  })

  describe('Smarty\'s name and ip are the media server\'s', () => {
    const { play } = resolve({ preset: 'smarty', url: 'http://example.com' })
    const pathFor = (query: string, streamPath = '/live/s'): string => {
      const request = buildRequest(play, play.urls[0] ?? '', access({ query, streamPath }))
      return 'malformed' in request ? request.malformed : request.path
    }
    const OWN = '/tvmiddleware/api/streamservice/token/check/?name=s&ip=203.0.113.7'
    for (const spelling of [
      'name=other', 'ip=192.0.2.1', 'NAME=other', 'Ip=192.0.2.1', 'n%61me=other', '%69%70=192.0.2.1', '+name=other', '%20ip=192.0.2.1',
      'name[]=other', 'ip[0]=192.0.2.1', 'name%5B%5D=other', 'ip%00x=192.0.2.1', 'name', 'ip=', 'name=other&name=other', 'name=a;ip=b'
    ]) {
      it(`whatever the client says: ${spelling}`, () => {
        expect(pathFor(`token=abc&${spelling}`)).to.equal(`${OWN}&token=abc`)
        expect(pathFor(`${spelling}&token=abc`)).to.equal(`${OWN}&token=abc`)
      })
    }
    it('the name is the last part of the stream path, percent-encoded', () => {
      expect(pathFor('token=abc', '/a/b/c&d')).to.include('?name=c%26d&ip=')
    })
    it('two tokens stay, in the client\'s order', () => {
      expect(pathFor('token=1&x=2&token=3')).to.equal(`${OWN}&token=1&x=2&token=3`)
    })
  })

  it('are told in words', () => {
    const words = (options: Options): string => inWords(resolve(options)).join('\n')
    const ministra = words({ preset: 'ministra', url: 'http://example.com' })
    expect(ministra).to.include('contract:   Ministra')
    expect(ministra).to.include('players:    asks http://example.com/stalker_portal/server/api/chk_flussonic_tmp_link.php')
    expect(ministra).to.include('a 200 without X-UserId is a denial')
    expect(ministra).to.include('publishers: refused: Ministra knows viewers, not publishers')
    expect(words({ preset: 'smarty', url: 'http://example.com' })).to.include('a 200 whose body does not say "error": 0 is a denial')
  })

  it('are what the schema lists', () => {
    expect(SCHEMA.properties.preset).to.have.property('enum').deep.equal(Object.keys(PRESETS))
    expect(mistakesOf({ preset: 'minstra', url: 'http://x' })).to.match(/^httpAuth\.preset: must be "custom" or "ministra" or .*"flussonic", got "minstra"$/)
  })

  it('a sixth is there once it has an entry', async () => {
    const root = fileURLToPath(new URL('../../../', import.meta.url))
    const copy = mkdtempSync(join(tmpdir(), 'nms-http-auth-preset-'))
    try {
      for (const name of ['lib', 'package.json']) cpSync(join(root, name), join(copy, name), { recursive: true })
      symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
      const file = join(copy, 'lib/options/presets.ts')
      const entry = 'fifth: { title: \'Fifth\', endpoints: [\'/check\'], backend: { denyBody: true } },\n  custom: {'
      writeFileSync(file, readFileSync(file, 'utf8').replace('custom: {', entry))
      const changed = await import(pathToFileURL(join(copy, 'lib/options/resolve.ts')).href) as { resolve: (options: object) => Settings }
      expect(changed.resolve({ preset: 'fifth', url: 'http://x' }).play).to.deep.include({ urls: ['http://x/check'], denyBody: true })
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })
})
