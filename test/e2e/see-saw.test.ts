import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { startBrowser } from '../support/browser.js'
import { startSource } from '../support/ffmpeg.js'
import type { ControlledBackend } from '../support/backend.js'
import { writeRestlessPage, type Attempt } from '../support/restless-page.js'
import { spawn, tool } from '../support/tools.js'
import { sleep, until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

/** How long two players go on, and until when one of them must have won. */
const TOTAL_MS = 60_000
const SETTLED_MS = 20_000
const WATCHED = 'your account is watched on 1 other device'

/** One start of a player; times since both were started, in milliseconds. */
interface Start { readonly from: number, readonly to: number, readonly plays: boolean, readonly why: string }

interface Way { readonly title: string, readonly protocol: 'http-flv' | 'rtmp', readonly fresh: boolean, readonly alike: boolean }

const VARIANTS = [false, true].flatMap((alike) => [false, true].map((fresh) =>
  ({ alike, fresh, title: `${alike ? 'that look alike' : 'on two devices'}, ${fresh ? 'with a fresh link each time' : 'with one link'}` })))

describe('two players of a user with one session, each started again as soon as it ends', function () {
  this.timeout(4 * TOTAL_MS)
  const { server, last } = withServer({
    config: { static: { router: '/static', root: 'static' }, rtmps: null, https: null },
    answer: ({ query }: ControlledBackend['requests'][number]) => {
      const user = new URLSearchParams(query).get('user')
      return { status: 200, ...(user !== null && { headers: { 'X-UserId': user, 'X-Max-Sessions': '1' } }) }
    }
  })
  before(async () => {
    const folder = join(server.dir, 'static/live/s')
    await mkdir(folder, { recursive: true })
    await writeRestlessPage(join(server.dir, 'static'))
    last(startSource(`rtmp://127.0.0.1:${server.ports.rtmp}/live/s`, join(folder, 'index.m3u8')))
    await until(() => stat(join(folder, 'index.m3u8')).then(() => true, () => false), 'the playlist is there', 30_000)
  })

  /** After the first seconds one has played on without having been started again, and the other has got nothing but the reason. */
  const expectWinner = (players: readonly (readonly Start[])[]): void => {
    const told = JSON.stringify(players.map((starts) => starts.slice(-8)))
    const winners = players.filter((starts) => starts.some(({ from, to, plays }) => plays && from <= SETTLED_MS && to >= TOTAL_MS))
    expect(winners, told).to.have.length(1)
    const late = players.filter((starts) => starts !== winners[0]).flat().filter(({ from, to }) => from > SETTLED_MS && to < TOTAL_MS)
    expect(late.length, told).to.be.greaterThan(5)
    for (const { plays, why } of late) {
      expect(plays, told).to.equal(false)
      expect(why, told).to.match(/403|account is watched on 1 other device/)
    }
  }

  /** Runs ffmpeg again and again. */
  const restless = async ({ protocol, fresh }: Way, user: string, device: string, since: number): Promise<Start[]> => {
    const starts: Start[] = []
    const now = (): number => performance.now() - since
    while (now() < TOTAL_MS) {
      const query = `user=${user}${fresh ? `&n=${device}-${starts.length}` : ''}`
      const url = protocol === 'rtmp' ? `rtmp://127.0.0.1:${server.ports.rtmp}/live/s?${query}` : `http://127.0.0.1:${server.ports.http}/live/s.flv?${query}`
      const from = now()
      const player = spawn(tool('ffmpeg'), [
        '-hide_banner', '-nostdin', '-nostats', '-loglevel', 'verbose', '-progress', 'pipe:1', '-stats_period', '0.2',
        ...(protocol === 'rtmp' ? ['-rtmp_flashver', device] : ['-user_agent', device]), '-i', url, '-map', '0:v', '-c', 'copy', '-f', 'null', '-'
      ])
      const ended = await Promise.race([player.exited.then(() => true), sleep(TOTAL_MS - from).then(() => false)])
      const frames = Number(/.*^frame=(\d+)/ms.exec(player.stdout())?.[1] ?? 0)
      starts.push({ from, to: now(), plays: frames > 0, why: player.stderr().slice(-600) })
      await player.close()
      if (ended) await sleep(100)
    }
    return starts
  }

  for (const protocol of ['http-flv', 'rtmp'] as const) {
    it(`ffmpeg over ${protocol}: one of them plays on, the other hears why, on two devices and on two that look alike, with one link and with fresh ones`, async () => {
      const since = performance.now()
      const played = await Promise.all(VARIANTS.map((variant, index) => Promise.all(['one', variant.alike ? 'one' : 'two'].map((device) =>
        restless({ ...variant, protocol }, `${protocol}-${index}`, device, since)))))
      for (const [index, players] of played.entries()) {
        try {
          expectWinner(players)
        } catch (error) {
          throw new Error(`players ${VARIANTS[index]!.title}: ${String(error)}`, { cause: error })
        }
      }
    })
  }

  it('hls.js in Chromium: the same on two devices; two that look alike are one viewer of HLS, and both play on', async () => {
    const browser = last(await startBrowser())
    const pages = await Promise.all(VARIANTS.map((variant, index) => Promise.all(['one', variant.alike ? 'one' : 'two'].map(async (device, player) => {
      const context = await browser.newContext({ userAgent: device })
      const page = await context.newPage()
      const url = `/static/live/s/index.m3u8?user=hls-${index}${variant.fresh ? `&n=${player}-{n}` : ''}`
      await page.goto(`http://127.0.0.1:${server.ports.http}/static/restless.html?url=${encodeURIComponent(url)}`)
      return page
    }))))
    await sleep(TOTAL_MS)
    for (const [index, { alike, title }] of VARIANTS.entries()) {
      const players = await Promise.all(pages[index]!.map(async (page) => {
        const { attempts, now } = await page.evaluate<{ attempts: Attempt[], now: number }>('({ attempts: window.attempts, now: performance.now() })')
        return attempts.map(({ startedAt, endedAt, played, why = '' }): Start => ({ from: startedAt, to: endedAt ?? now, plays: played > 0, why }))
      }))
      try {
        if (!alike) {
          expectWinner(players)
          expect(players.flat().some(({ why }) => why.includes(WATCHED)), 'the reason is read').to.equal(true)
        } else expect(players.map((starts) => starts.map(({ plays, to }) => [plays, to >= TOTAL_MS])), 'each was started once').to.deep.equal([[[true, true]], [[true, true]]])
      } catch (error) {
        throw new Error(`players ${title}: ${String(error)}`, { cause: error })
      }
    }
  })
})
