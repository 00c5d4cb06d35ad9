import { join } from 'node:path'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { progressOf, startBrowser, waitForFrames } from '../support/browser.js'
import { cleanup } from '../support/cleanup.js'
import { startHlsExample, type HlsExample } from '../support/hls-example.js'
import { until } from '../support/waiting.js'

const WAYS = [
  { button: 'Play HLS', protocol: 'hls', path: '/static/live/s/index.m3u8' },
  { button: 'Play HTTP-FLV', protocol: 'http-flv', path: '/live/s.flv' }
] as const

describe('the page of the HLS example, in Chromium', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let example: HlsExample
  let page: Page

  before(async () => {
    const browser = keep(await startBrowser())
    example = keep(await startHlsExample())
    const publisher = example.publish()
    page = await browser.newPage()
    keep(await publisher)
  })
  after(() => keep.run())

  /** Opens the page with a token, presses a button, and collects what is fetched of the stream. */
  const press = async (button: string, token: string): Promise<URL[]> => {
    const fetched: URL[] = []
    page.removeAllListeners('request')
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (url.pathname.includes('/live/s')) fetched.push(url)
    })
    await page.goto(`http://127.0.0.1:${example.ports.http}/static/?token=${token}`)
    await page.getByRole('button', { name: button }).click()
    return fetched
  }
  const says = async (text: string): Promise<void> => {
    let said: string | null = null
    await until(async () => (said = await page.locator('output').textContent()) === text, () => `the page says ${text}; it says ${said}; ${example.program.stdout().slice(-1000)}`, 20_000)
  }
  const verdicts = (protocol: string): string[] => example.program.stdout().match(new RegExp(`^.*\\[http-auth\\] \\w+ play /live/s protocol=${protocol} .*$`, 'gm')) ?? []

  for (const { button, protocol, path } of WAYS) {
    it(`plays over ${protocol} with a good token, frame after frame`, async () => {
      const before = verdicts(protocol).length
      const fetched = await press(button, '123')
      await says('Playing')
      await waitForFrames(page, 30)
      expect(fetched.map(({ pathname }) => pathname)).to.include(path)
      expect(new Set(fetched.map(({ search }) => search)), 'the token is on everything').to.deep.equal(new Set(['?token=123']))
      const [verdict, ...more] = verdicts(protocol).slice(before)
      expect(verdict).to.match(/\[http-auth\] allowed .* source=backend/)
      expect(more, 'one session').to.deep.equal([])
    })

    it(`shows over ${protocol} that a bad token is refused, and no picture`, async () => {
      const fetched = await press(button, 'wrong')
      await says('You have no access to this stream (403)')
      expect(await progressOf(page)).to.deep.equal({ time: 0, frames: 0 })
      expect(fetched.map(({ pathname }) => pathname), 'it is not tried again').to.deep.equal([path])
    })
  }

  it('says that access cannot be checked in an outage, and plays by itself after it', async () => {
    // Another device, or the session of the last one would still be good.
    const context = await page.context().browser()!.newContext({ userAgent: 'another device' })
    const other = await context.newPage()
    const said = (text: string) => until(async () => await other.locator('output').textContent() === text, () => `it says ${text}; ${example.program.stdout().slice(-1000)}`, 30_000)
    await example.toggleBackend()
    try {
      await other.goto(`http://127.0.0.1:${example.ports.http}/static/?token=123`)
      await other.getByRole('button', { name: 'Play HLS' }).click()
      await said('We can\'t check your access right now, trying again')
    } finally {
      await example.toggleBackend()
    }
    await said('Playing')
    await waitForFrames(other, 10)
    await context.close()
  })

  it('uses the browser\'s own HLS where there are no Media Source Extensions, and says what that does not', async () => {
    const context = await page.context().browser()!.newContext()
    try {
      const own = await context.newPage()
      await own.addInitScript(`
        for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) delete window[name]
        HTMLMediaElement.prototype.canPlayType = (type) => type === 'application/vnd.apple.mpegurl' ? 'maybe' : ''
        HTMLMediaElement.prototype.play = async () => {}
      `)
      for (const [token, src, text] of [['123', true, 'Loading'], ['wrong', false, 'You have no access to this stream (403)']] as const) {
        await own.goto(`http://127.0.0.1:${example.ports.http}/static/?token=${token}`)
        await own.getByRole('button', { name: 'Play HLS' }).click()
        if (src) await until(async () => await own.locator('video').getAttribute('src') === '/static/live/s/index.m3u8?token=123', 'the video has the playlist')
        else await until(async () => await own.locator('output').textContent() === text, 'it says so')
      }
      expect(await own.locator('video').getAttribute('src')).to.equal(null)
    } finally {
      await context.close()
    }
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [375, 1280]) {
      it(`keeps its shape, playing and refused, ${colorScheme}, ${width} px wide`, async () => {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: width < 800 ? 667 : 800 })
        for (const [token, text] of [['123', 'Playing'], ['wrong', 'You have no access to this stream (403)']] as const) {
          await press('Play HLS', token)
          await says(text)
          if (token === '123') await waitForFrames(page, 5)
          const { scrolls, ratio, small } = await page.evaluate<{ scrolls: boolean, ratio: number, small: string[] }>(`(() => {
            const { width, height } = document.querySelector('.player').getBoundingClientRect()
            const small = [...document.querySelectorAll('button, input')].filter((each) => each.getBoundingClientRect().height < 44 || each.scrollWidth > each.clientWidth)
            return { scrolls: document.documentElement.scrollWidth > innerWidth, ratio: width / height, small: small.map((each) => each.outerHTML) }
          })()`)
          expect(scrolls, 'no horizontal scrolling').to.equal(false)
          expect(ratio).to.be.closeTo(16 / 9, 0.01)
          expect(small, 'what is pressed is large enough, and its text fits').to.deep.equal([])
          // For the README, and for whoever looks at the page: SCREENSHOTS=folder npx mocha …
          const folder = process.env['SCREENSHOTS']
          if (folder !== undefined) await page.screenshot({ path: join(folder, `hls-page-${colorScheme}-${width}-${token}.png`) })
        }
      })
    }
  }
})

describe('the page of the HLS example, before anybody publishes', function () {
  this.timeout(60_000)
  const keep = cleanup()
  after(() => keep.run())

  it('says that the stream is not live yet, and plays it by itself once it is', async () => {
    const browser = keep(await startBrowser())
    const example = keep(await startHlsExample())
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${example.ports.http}/static/?token=123`)
    await page.getByRole('button', { name: 'Play HLS' }).click()
    const said = (text: string) => until(async () => await page.locator('output').textContent() === text, () => `it says ${text}`, 30_000)
    await said('This stream is not live yet, trying again')
    keep(await example.publish())
    await said('Playing')
    await waitForFrames(page, 10)
  })
})
