import { expect } from 'chai'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { ADMIN, ADMIN_TOKEN, adminOf } from '../support/admin.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { startBrowser } from '../support/browser.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, type AnyClient } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'

const SCRIPT = '<script>window.owned=1</script>'
/** Where pictures go if somebody wants new ones: SCREENSHOTS=1. */
const PICTURES = fileURLToPath(new URL('../../docs/', import.meta.url))
const USERS = [SCRIPT, 'anna', 'ben', 'chloe', 'dario']

describe('the page of the admin server, in Chromium', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let backend: ControlledBackend
  let server: TestServer
  let browser: Browser
  let url = ''
  const viewers = new Map<string, AnyClient>()

  before(async () => {
    backend = keep(await startBackend())
    backend.answer(({ query }) => {
      const token = new URLSearchParams(query).get('token') ?? ''
      return USERS.includes(token) ? { status: 200, headers: { 'X-UserId': token }, delayMs: 8 } : { status: 403, delayMs: 5 }
    })
    server = keep(await startServer({ options: { url: backend.url, params: { action: '{action}' }, admin: ADMIN, log: 'outages', breaker: { failures: 2, probeMs: 100 } } }))
    url = (await adminOf(server)).url
    browser = keep(await startBrowser())
    keep(keepPublishing(await open('publish', '/live/news', 'anna')))
    keep(keepPublishing(await open('publish', '/live/sport', 'ben')))
    for (const [index, user] of USERS.entries()) viewers.set(user, await open('play', index % 2 === 0 ? '/live/news' : '/live/sport', user, index % 2 === 0 ? 'rtmp' : 'http-flv'))
    const refused = await open('play', '/live/news', 'an-old-token')
    await refused.closed
  })
  after(() => keep.run())

  const open = async (action: 'play' | 'publish', streamPath: string, token: string, speech: 'rtmp' | 'http-flv' = 'rtmp'): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action, streamPath, query: `token=${encodeURIComponent(token)}` }))
  const visit = async (width: number, height: number, colorScheme: 'light' | 'dark' = 'light', hash = `#token=${ADMIN_TOKEN}`): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme })
    const page = await context.newPage()
    page.on('pageerror', (error) => { throw error })
    await page.goto(url + hash)
    return page
  }
  const rows = (page: Page): Promise<string[]> => page.locator('#in tbody tr').allTextContents()
  const waitForRows = async (page: Page, count: number): Promise<void> =>
    until(async () => (await rows(page)).length === count && !(await rows(page))[0]?.includes('Nobody'), `there are ${count} rows`, 15_000)
  const seen = async (page: Page, name: string): Promise<void> => {
    if (process.env['SCREENSHOTS'] === undefined) return
    await mkdir(PICTURES, { recursive: true })
    await page.screenshot({ path: `${PICTURES}${name}.png` })
  }

  it('says who is in, and keeps the token out of the address bar', async () => {
    const page = await visit(1280, 900)
    await waitForRows(page, 7)
    expect(page.url()).to.equal(url)
    const text = (await rows(page)).join('\n')
    for (const user of USERS) expect(text).to.include(user)
    expect(await page.locator('#state').textContent()).to.equal('OK')
    await seen(page, 'admin')
    await page.reload()
    await waitForRows(page, 7)
    await page.context().close()
  })

  it('shows what a client sent as text', async () => {
    const page = await visit(1280, 900)
    await waitForRows(page, 7)
    expect((await rows(page)).join('\n')).to.include(SCRIPT)
    expect(await page.evaluate('window.owned')).to.equal(undefined)
    expect(await page.locator('#in script').count()).to.equal(0)
    await page.context().close()
  })

  it('is live: who comes and goes appears and disappears by itself', async () => {
    const page = await visit(1280, 900)
    await waitForRows(page, 7)
    const newcomer = await open('play', '/live/sport', 'chloe')
    await newcomer.waitForMedia(1)
    await waitForRows(page, 8)
    await newcomer.close()
    await waitForRows(page, 7)
    await page.context().close()
  })

  it('filters as one types, and sorts', async () => {
    const page = await visit(1280, 900)
    await waitForRows(page, 7)
    await page.getByRole('searchbox').fill('/live/sp')
    await waitForRows(page, 3)
    await page.getByRole('searchbox').fill('')
    await waitForRows(page, 7)
    await page.getByRole('button', { name: 'User', exact: true }).click()
    const users = (await rows(page)).map((row) => /^(?:anna|ben|chloe|dario|<script>)/.exec(row)?.[0])
    expect(users).to.deep.equal([...users].sort())
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).to.equal('ascending')
    await page.context().close()
  })

  it('answers why this viewer was refused, by the token', async () => {
    const page = await visit(1280, 900)
    await page.getByRole('searchbox').fill('an-old-token')
    await until(async () => (await page.locator('#answer').textContent())?.includes('was refused') === true, 'it answers', 15_000)
    expect(await page.locator('#answer').textContent()).to.match(/127\.0\.0\.1 was refused .* ago: .*403.*The backend refused with status 403/)
    await seen(page, 'admin-why')
    await page.getByRole('searchbox').fill('nobody')
    await until(async () => (await page.locator('#answer').textContent())?.includes('Nothing is known about nobody') === true, 'it says so', 15_000)
    await page.context().close()
  })

  it('ends a session, and asks first', async () => {
    const page = await visit(1280, 900)
    await waitForRows(page, 7)
    const viewer = viewers.get('dario')!
    const row = page.locator('#in tbody tr', { hasText: 'dario' })
    await row.getByRole('button').click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await waitForRows(page, 7)
    expect(viewer.closedAt()).to.equal(0)
    await row.getByRole('button').click()
    expect(await page.locator('#ask-what').textContent()).to.include('dario').and.include('/live/news')
    await page.getByRole('button', { name: 'End session' }).click()
    await viewer.closed
    await waitForRows(page, 6)
    await page.context().close()
  })

  it('shows a backend that goes down and comes back', async () => {
    const page = await visit(1280, 900)
    await waitForRows(page, 6)
    backend.answer({ destroy: true })
    await backend.close()
    for (let n = 0; n < 4; n++) await (await open('play', '/live/news', 'anna')).closed
    await until(async () => await page.locator('#state').textContent() === 'backend down', 'it says that the backend is down', 15_000)
    expect(await page.locator('#outage').textContent()).to.match(/The backend has been down for .*: /)
    await seen(page, 'admin-outage')
    backend = keep(await startBackend({ port: backend.port }))
    backend.answer({ status: 403 })
    await until(async () => {
      await (await open('play', '/live/news', 'anna')).closed
      return await page.locator('#state').textContent() === 'OK'
    }, 'it says that all is well', 20_000)
    expect(await page.locator('#outage').isVisible()).to.equal(false)
    await page.context().close()
  })

  it('asks for the token without one, and again for one that is wrong', async () => {
    const page = await visit(800, 600, 'light', '')
    await page.locator('#token').fill('wrong-but-long-enough')
    await page.getByRole('button', { name: 'Show who is in' }).click()
    await until(async () => (await page.locator('#login-why').textContent())?.startsWith('This token is wrong') === true, 'it says so')
    expect(await page.locator('#view').isVisible()).to.equal(false)
    await page.locator('#token').fill(ADMIN_TOKEN)
    await page.keyboard.press('Enter')
    await until(() => page.locator('#view').isVisible(), 'it is in')
    await page.context().close()
  })

  for (const [width, height, scheme] of [[375, 812, 'light'], [375, 812, 'dark'], [1280, 900, 'dark']] as const) {
    it(`fits ${width} pixels, ${scheme}`, async () => {
      const page = await visit(width, height, scheme)
      await waitForRows(page, 6)
      expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(width)
      const [ground, ink] = await page.evaluate<string[]>('[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]')
      const light = (colour = ''): number => [...colour.matchAll(/\d+/g)].reduce((sum, [value]) => sum + Number(value), 0)
      expect(light(ground) > light(ink)).to.equal(scheme === 'light')
      await seen(page, `admin-${width}-${scheme}`)
      await page.locator('#in tbody tr').first().getByRole('button').click()
      expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(width)
      await seen(page, `admin-${width}-${scheme}-end`)
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.context().close()
    })
  }
})
