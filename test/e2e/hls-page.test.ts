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
  const verdicts = (protocol: string): string[] => example.program.stdout().match(new RegExp(`^\\[http-auth\\] \\w+ play /live/s ${protocol} .*$`, 'gm')) ?? []

  for (const { button, protocol, path } of WAYS) {
    it(`plays over ${protocol} with a good token, frame after frame`, async () => {
      const before = verdicts(protocol).length
      const fetched = await press(button, '123')
      await says('Playing')
      await waitForFrames(page, 30)
      expect(fetched.map(({ pathname }) => pathname)).to.include(path)
      expect(new Set(fetched.map(({ search }) => search)), 'the token is on everything').to.deep.equal(new Set(['?token=123']))
      const [verdict, ...more] = verdicts(protocol).slice(before)
      expect(verdict).to.match(/^\[http-auth\] allowed .* by backend/)
      expect(more, 'one session').to.deep.equal([])
    })

    it(`shows over ${protocol} that a bad token is refused, and no picture`, async () => {
      const fetched = await press(button, 'wrong')
      await says('Refused (403)')
      expect(await progressOf(page)).to.deep.equal({ time: 0, frames: 0 })
      expect(fetched.map(({ pathname }) => pathname), 'it is not tried again').to.deep.equal([path])
    })
  }
})
