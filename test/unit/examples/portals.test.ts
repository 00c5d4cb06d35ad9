import { readFileSync } from 'node:fs'
import { request as requestHttp, type IncomingHttpHeaders } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { resolve } from '../../../lib/options/resolve.js'
import { certificatePath, TEST_CA } from '../../support/certificates.js'
import { createFlussonic, createIptvPortal, createMinistra, createSmarty, type Portal } from '../../support/portals.js'

interface Answer { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: string }

const open = new Set<Portal<never>>()
/** Asks a portal as the plugin would, and nothing is decoded on the way. */
const ask = async (portal: Portal<never>, path: string, { method = 'GET', tls = false, headers = {} } = {}): Promise<Answer> => {
  const { server } = portal
  if (!server.listening) {
    open.add(portal)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  }
  const { port } = server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers, agent: false }
    const request = tls ? requestHttps({ ...options, ca: TEST_CA }) : requestHttp(options)
    request.on('error', reject).on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => { body += text })
        .on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    }).end()
  })
}

describe('the portals of the examples', () => {
  afterEach(async () => {
    for (const { server } of open) await new Promise((closed) => { server.closeAllConnections(); server.close(closed) })
    open.clear()
  })

  describe('Ministra', () => {
    const SCRIPT = '/stalker_portal/server/api/chk_flussonic_tmp_link.php'
    const setup = () => {
      const clock = { now: 0 }
      const portal = createMinistra({ now: () => clock.now })
      return { clock, portal, token: portal.newToken({ userId: 'ann-7' }), check: (query: string, method = 'GET') => ask(portal, `${SCRIPT}?${query}`, { method }) }
    }

    it('lets in with four headers and no body', async () => {
      const { check, token } = setup()
      const { status, headers, body } = await check(token)
      expect([status, body]).to.deep.equal([200, ''])
      expect(headers).to.include({ 'x-authduration': '36000', 'x-unique': 'true', 'x-max-sessions': '10', 'x-userid': 'ann-7' })
    })
    it('a token lives 5 seconds, whoever checks it however often', async () => {
      const { check, token, clock } = setup()
      clock.now = 4999
      expect([(await check(token)).status, (await check(token)).status]).to.deep.equal([200, 200])
      clock.now = 5000
      expect((await check(token)).status).to.equal(403)
    })
    it('denies with 403, no body and none of the headers', async () => {
      const { check } = setup()
      for (const query of ['', 'token=', 'token=wrong', 'other=1']) {
        const { status, headers, body } = await check(query)
        expect([status, body, headers['x-userid']], query).to.deep.equal([403, '', undefined])
      }
    })
    for (const query of ['token[]=1', 'token%5B%5D=1', 'token[a]=TOKEN', 'TOKEN&token[]=1', '+token[]=1']) {
      it(`${query} is a fatal error that says 200`, async () => {
        const { check, token } = setup()
        const { status, headers, body } = await check(query.replace('TOKEN', token))
        expect([status, headers['x-userid']]).to.deep.equal([200, undefined])
        expect(body).to.include('Fatal error')
      })
    }
    it('the last token counts', async () => {
      const { check, token } = setup()
      expect([(await check(`token=wrong&${token}`)).status, (await check(`${token}&token=wrong`)).status]).to.deep.equal([200, 403])
      expect((await check(`token[]=1&${token}`)).status).to.equal(200)
    })
    it('HEAD works, POST does not', async () => {
      const { check, token } = setup()
      expect([(await check(token, 'HEAD')).status, (await check(token, 'POST')).status]).to.deep.equal([200, 403])
    })
    it('a script that is broken says 200 to everybody', async () => {
      const { check, portal, token } = setup()
      portal.setBroken(true)
      expect([(await check(token)).headers['x-userid'], (await check('token=wrong')).status]).to.deep.equal([undefined, 200])
    })
    it('the hosted one has the script without the prefix, and none elsewhere', async () => {
      const { portal, token } = setup()
      expect((await ask(portal, `/server/api/chk_flussonic_tmp_link.php?${token}`)).status).to.equal(200)
      expect((await ask(portal, `/stalker_portal/?${token}`)).status).to.equal(404)
    })
    it('gives out tokens over HTTP', async () => {
      const { portal, check } = setup()
      expect((await check((await ask(portal, '/new-token')).body)).status).to.equal(200)
    })
  })

  describe('a backend for Flussonic', () => {
    const SESSION = 'name=live/s&ip=203.0.113.7&proto=hls&session_id=S1'
    const setup = () => {
      const clock = { now: 0 }
      const portal = createFlussonic({ now: () => clock.now, tokenMs: 5000 })
      return { clock, portal, token: portal.newToken({ userId: 'ann' }), check: (query: string) => ask(portal, `/auth?${query}`) }
    }
    it('says how long, who, and how many', async () => {
      const { check, token } = setup()
      const { status, headers } = await check(`${SESSION}&request_type=new_session&request_number=0&${token}`)
      expect(status).to.equal(200)
      expect(headers).to.include({ 'x-authduration': '180', 'x-userid': 'ann', 'x-max-sessions': '2' })
    })
    it('goes on with a session whose token is over, until the user is taken out', async () => {
      const { check, token, clock, portal } = setup()
      await check(`${SESSION}&request_type=new_session&request_number=0&${token}`)
      clock.now = 5000
      expect((await check(`${SESSION}&request_type=new_session&request_number=0&${token}`)).status).to.equal(403)
      expect((await check(`${SESSION}&request_type=update_session&request_number=1&${token}`)).status).to.equal(200)
      portal.takeOut('ann')
      expect((await check(`${SESSION}&request_type=update_session&request_number=2&${token}`)).status).to.equal(403)
    })
    it('denies what lacks a parameter, and another stream', async () => {
      const { check, token } = setup()
      expect((await check(`name=live/s&request_type=new_session&${token}`)).status).to.equal(403)
      expect((await check(`${SESSION.replace('/s', '/t')}&request_type=new_session&request_number=0&${token}`)).status).to.equal(403)
    })
  })

  describe('Smarty', () => {
    const CHECK = '/tvmiddleware/api/streamservice/token/check/'
    const setup = (checkIp = false) => {
      const clock = { now: 0 }
      const portal = createSmarty({ now: () => clock.now, checkIp })
      const check = async (query: string): Promise<number> => {
        const { status, body } = await ask(portal, `${CHECK}?${query}`)
        expect(status).to.equal(200)
        return (JSON.parse(body) as { error: number }).error
      }
      return { clock, portal, check, token: portal.newToken({ name: 's', ip: '203.0.113.7' }) }
    }

    it('says 0 for a token and its content', async () => {
      const { check, token } = setup()
      expect([await check(`name=s&${token}`), await check(token)]).to.deep.equal([0, 0])
    })
    it('says 1 for one that it does not know, or not any more', async () => {
      const { check, token, clock } = setup()
      expect([await check('token=wrong'), await check('')]).to.deep.equal([1, 1])
      clock.now = 3_600_000
      expect(await check(token)).to.equal(1)
    })
    it('says 2 for other content', async () => {
      const { check, token } = setup()
      expect(await check(`name=t&${token}`)).to.equal(2)
    })
    for (const checkIp of [true, false]) {
      it(`says ${checkIp ? 3 : 0} for another address where the check is ${checkIp ? 'on' : 'off'}`, async () => {
        const { check, token } = setup(checkIp)
        expect(await check(`ip=203.0.113.8&${token}`)).to.equal(checkIp ? 3 : 0)
        expect([await check(`ip=203.0.113.7&${token}`), await check(token)]).to.deep.equal([0, 0])
      })
    }
    it('checks prolong a token, up to three hours', async () => {
      const { check, token, clock } = setup()
      for (clock.now = 0; clock.now < 10_800_000; clock.now += 180_000) expect(await check(token), `${clock.now}`).to.equal(0)
      expect(await check(token)).to.equal(1)
    })
    it('what is denied prolongs nothing', async () => {
      const { check, token, clock } = setup()
      clock.now = 3_000_000
      expect(await check(`name=t&${token}`)).to.equal(2)
      clock.now = 3_600_000
      expect(await check(token)).to.equal(1)
    })
    it('gives out tokens over HTTP', async () => {
      const { portal, check } = setup()
      const { body } = await ask(portal, '/new-token?name=t')
      expect([await check(`name=t&${body}`), await check(`name=s&${body}`)]).to.deep.equal([0, 2])
    })
  })

  describe('IPTVPORTAL', () => {
    const CHECK = '/auth/arescrypt/'
    const tls = { key: readFileSync(certificatePath('server.key')), cert: readFileSync(certificatePath('server.pem')) }
    const setup = () => {
      const clock = { now: 0 }
      const portal = createIptvPortal({ tls, now: () => clock.now })
      const check = (query: string, path: string, endpoint = CHECK) =>
        ask(portal, `${endpoint}?${query}`, { tls: true, headers: { 'X-Real-Path': path } }).then(({ status }) => status)
      return { clock, portal, check, token: portal.newToken({ path: '/live/s.flv' }) }
    }

    it('lets in a query that is the same to the byte, with the path it was made for', async () => {
      const { check, token } = setup()
      expect(await check(token, '/live/s.flv')).to.equal(200)
    })
    for (const [what, change] of [
      ['decoded and encoded again', (query: string) => new URLSearchParams(query).toString()],
      ['with escapes in another case', (query: string) => query.replace('%2f', '%2F')],
      ['with an escape undone', (query: string) => query.replace('%41', 'A')],
      ['without an empty part', (query: string) => query.replace('&&', '&')],
      ['with a part behind it', (query: string) => `${query}&x=1`],
      ['in another order', (query: string) => query.split('&').toSorted().join('&')]
    ] as const) {
      it(`refuses one ${what}`, async () => {
        const { check, token } = setup()
        expect(change(token)).not.to.equal(token)
        expect(await check(change(token), '/live/s.flv')).to.equal(403)
      })
    }
    for (const path of ['/live/s', '/live/s.flv/', '/live/S.flv', '/live/t.flv', '']) {
      it(`refuses the path ${JSON.stringify(path)}`, async () => {
        const { check, token } = setup()
        expect(await check(token, path)).to.equal(403)
      })
    }
    it('has one endpoint, with its slash', async () => {
      const { check, token } = setup()
      expect(await check(token, '/live/s.flv', '/auth/arescrypt')).to.equal(404)
    })
    it('a token lives an hour', async () => {
      const { check, token, clock } = setup()
      clock.now = 3_599_999
      expect(await check(token, '/live/s.flv')).to.equal(200)
      clock.now = 3_600_000
      expect(await check(token, '/live/s.flv')).to.equal(403)
    })
    it('gives out tokens over HTTP', async () => {
      const { portal, check } = setup()
      expect(await check((await ask(portal, '/new-token?path=/live/t', { tls: true })).body, '/live/t')).to.equal(200)
    })
  })

  const textOf = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
  for (const name of ['ministra', 'iptvportal', 'smarty']) {
    const config = JSON.parse(textOf(`examples/${name}/config.json`)) as { httpAuth: { preset: string } }
    it(`the config of ${name} is the one in the README`, () => {
      const blocks = [...textOf('README.md').matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) => JSON.parse(text) as Partial<typeof config>)
      expect(blocks.find(({ httpAuth }) => httpAuth?.preset === name)?.httpAuth).to.deep.equal(config.httpAuth)
    })
    it(`the config of ${name} is valid, and has the preset of that name`, () => {
      expect(config.httpAuth.preset).to.equal(name)
      expect(resolve(config.httpAuth).play.defaultAction).to.equal('deny')
    })
  }
})
