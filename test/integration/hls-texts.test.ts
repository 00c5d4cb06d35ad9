import { expect } from 'chai'
import { MAX_QUERY_BYTES, MAX_TEXT_BYTES, MAX_TEXTS_BYTES } from '../../lib/access/bounds.js'
import { fileClient } from '../support/file-clients.js'
import { hlsStream } from '../support/hls-files.js'
import { MOUNT } from '../support/hosts.js'
import { withServer } from '../support/with-server.js'

const PLAYLIST = `${MOUNT}/live/s/720p/index.m3u8`

describe('the texts of all viewers of HLS', function () {
  this.timeout(120_000)
  const { server, keep } = withServer({ options: { maxSessionsPerIp: 100_000, hlsIdleMs: 600_000 }, files: hlsStream('live/s') })

  it('take 64 MiB together: newcomers are told 503, whoever is in plays on, and the log says why', async () => {
    const client = keep(fileClient(server.ports))
    // What is the same for several is kept once, so all is of its own here.
    const own = (n: number, bytes: number): string => String(n).padStart(bytes, '0')
    const get = (n: number): Promise<{ readonly status: number, readonly text: string }> => client.get(
      `${PLAYLIST}?token=123&x=${own(n, MAX_QUERY_BYTES - 'token=123&x='.length)}`,
      { headers: { 'User-Agent': own(n, MAX_TEXT_BYTES) } }
    )
    const most = MAX_TEXTS_BYTES / (MAX_QUERY_BYTES + MAX_TEXT_BYTES)
    let refused: Awaited<ReturnType<typeof get>> | undefined
    let n = 0
    while (refused === undefined && n < most + 100) {
      const answers = await Promise.all(Array.from({ length: 16 }, () => get(n++)))
      refused = answers.find(({ status }) => status !== 200)
    }
    expect(refused).to.include({ status: 503, text: 'too many requests are waiting, try again later\n' })
    const viewers = await server.evaluate(({ auth }) => auth!.stats().viewers)
    expect(viewers).to.be.within(0.9 * most, most)
    expect((await get(0)).status).to.equal(200)
    expect((await get(n)).status).to.equal(503)
    expect((await server.verdicts()).at(-1)!.verdict).to.include({ source: 'overload', reason: 'the URLs and user agents of all viewers take too much memory' })
    expect(server.log()).to.include('the URLs and user agents of all viewers take too much memory')
  })
})
