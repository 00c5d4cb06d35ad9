import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Options } from '../../lib/options/options.js'
import { certificatePath } from '../support/certificates.js'
import { createFlussonic, createIptvPortal, createMinistra, createSmarty, type Portal } from '../support/portals.js'
import { run, startPhp } from '../support/tools.js'
import { portalContract, type RunningPortal } from './portal-contract.js'

/** The example's URL, with this portal's scheme, host and port instead of the operator's. */
const movedTo = ({ url }: Options, { server }: Portal<never>): string => {
  if (typeof url !== 'string') throw new Error('the example has one url')
  const moved = new URL(url)
  moved.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return moved.href
}

const running = async (portal: Portal<never>, rest: Pick<RunningPortal, 'newQuery' | 'expire'>, more: Options = {}): Promise<RunningPortal> => {
  const { server } = portal
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...rest,
    options: (example) => ({ ...example, ...more, url: movedTo(example, portal) }),
    badQuery: 'token=wrong',
    asked: () => portal.checks.length,
    close: () => new Promise((resolve) => server.close(resolve))
  }
}

/** A clock that only tests set forward, so that no slow machine lets a token expire. */
const createClock = () => {
  let time = 0
  return { now: () => time, forward: (ms: number) => { time += ms } }
}

portalContract({
  title: 'Ministra',
  config: 'ministra/config.json',
  start: () => {
    const clock = createClock()
    const portal = createMinistra({ now: clock.now })
    return running(portal, { newQuery: () => portal.newToken({ userId: 'ann-7' }), expire: () => clock.forward(5000) })
  }
})

portalContract({
  title: 'IPTVPORTAL',
  config: 'iptvportal/config.json',
  start: () => {
    const clock = createClock()
    const tls = { key: readFileSync(certificatePath('server.key')), cert: readFileSync(certificatePath('server.pem')) }
    const portal = createIptvPortal({ tls, now: clock.now })
    const rest = { newQuery: (path: string) => portal.newToken({ path }), expire: () => clock.forward(3_600_000) }
    return running(portal, rest, { tls: { ca: certificatePath('ca.pem') } })
  }
})

portalContract({
  title: 'Smarty',
  config: 'smarty/config.json',
  start: () => {
    const clock = createClock()
    const portal = createSmarty({ now: clock.now, checkIp: true })
    return running(portal, { newQuery: () => portal.newToken({ name: 's', ip: '127.0.0.1' }), expire: () => clock.forward(10_800_000) })
  }
})

portalContract({
  title: 'a backend for Flussonic',
  config: 'flussonic/config.json',
  start: () => {
    const clock = createClock()
    const portal = createFlussonic({ now: clock.now })
    return running(portal, { newQuery: () => portal.newToken({}), expire: () => clock.forward(60_000) })
  }
})

portalContract({
  title: 'a custom backend',
  config: 'config-file/config.json',
  // The specification's script, whose token never expires; so the script is changed under way, which PHP notices.
  start: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nms-http-auth-php-'))
    const script = join(folder, 'auth.php')
    const source = fileURLToPath(new URL('../../examples/custom-backend/auth.php', import.meta.url))
    copyFileSync(source, script)
    const setToken = (token: string): void => writeFileSync(script, readFileSync(source, 'utf8').replace('\'123\'', `'${token}'`))
    let token = 123
    const php = await startPhp(script)
    return {
      options: (example) => ({ ...example, url: php.url, rememberMs: 60_000 }),
      newQuery: () => `token=${token}`,
      badQuery: 'token=wrong',
      expire: () => { setToken(String(token += 1)) },
      // It logs whom it lets in, and nobody else.
      asked: () => php.stderr().match(/Session ID: /g)?.length ?? 0,
      close: async () => {
        await php.close()
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }
})

describe('the encoder of the portals\' examples', () => {
  for (const portal of ['ministra', 'iptvportal', 'smarty', 'flussonic']) {
    it(`has a first segment of two seconds, so that HLS is there in less than five: ${portal}`, async () => {
      const readme = readFileSync(fileURLToPath(new URL(`../../examples/${portal}/README.md`, import.meta.url)), 'utf8')
      const [, line = ''] = /^(ffmpeg -re [^`]*index\.m3u8)$/m.exec(readme) ?? []
      const folder = mkdtempSync(join(tmpdir(), 'nms-http-auth-encoder-'))
      try {
        // Faster than it would be live: what counts is the stream's own time.
        const own = line.replace('-re -i input.mp4', '-nostdin -f lavfi -t 7 -i testsrc2=size=320x180:rate=25 -f lavfi -t 7 -i sine=frequency=440')
          .replace('rtmp://127.0.0.1/live/s', '/dev/null').replace('ffmpeg ', 'ffmpeg -y ').replace('media/live/s/', '')
        const { code, stderr } = await run('sh', ['-c', own], { cwd: folder, timeoutMs: 60_000 })
        expect(code, stderr).to.equal(0)
        const [, first = ''] = /#EXTINF:([\d.]+)/.exec(readFileSync(join(folder, 'index.m3u8'), 'utf8')) ?? []
        expect(Number(first)).to.be.within(1, 2.5)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }).timeout(60_000)
  }
})
