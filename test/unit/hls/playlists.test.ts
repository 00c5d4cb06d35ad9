import { expect } from 'chai'
import { spy } from 'sinon'
import { compilePlaylist, type PlaylistPlace } from '../../../lib/hls/playlist.js'
import { createPlaylists, type Version } from '../../../lib/hls/playlists.js'

const place = { origin: 'https://tv.example.com', path: '/static/live/s/index.m3u8' }
const about = { contentType: 'x', fileTag: undefined }

describe('playlists', () => {
  const setup = (maxBytes?: number) => {
    const compile = spy(compilePlaylist)
    const playlists = createPlaylists(maxBytes)
    const of = (text: string, other: Partial<PlaylistPlace> = {}, fileTag?: string): Version => playlists.of(Buffer.from(text), { ...place, ...other }, { ...about, fileTag }, compile)
    return { compile, playlists, of }
  }
  const written = ({ template }: Version, query: string): string => Buffer.concat([...template.read(query)]).toString()

  it('are compiled once for all viewers of one version, whatever they call the server', () => {
    const { compile, playlists, of } = setup()
    expect(['token=1', 'token=2', ''].map((query) => written(of('1.ts\n', { origin: `http://${query}` }), query))).to.deep.equal(['1.ts?token=1\n', '1.ts?token=2\n', '1.ts\n'])
    expect(compile.callCount).to.equal(1)
    expect(playlists.last(place)?.id).to.equal(of('1.ts\n').id)
  })

  it('are compiled anew when their text changes', () => {
    const { playlists, of } = setup()
    const [first, second] = [of('1.ts\n', {}, 'a'), of('2.ts\n', {}, 'b')]
    expect([written(second, 't'), playlists.last(place)?.fileTag]).to.deep.equal(['2.ts?t\n', 'b'])
    expect(first.id).to.not.equal(second.id)
    expect(of('1.ts\n').id).to.equal(first.id)
  })

  it('are told apart by path, and by origin where they name one', () => {
    const { playlists, of } = setup()
    const text = 'https://tv.example.com/static/1.ts\n../1.ts\n'
    const [own, deeper, other] = [of(text), of(text, { path: '/static/a/b/c/index.m3u8' }), of(text, { origin: 'http://tv.example.com' })]
    expect([own, deeper, other].map(({ directories }) => directories)).to.deep.equal([['/static/live/'], ['/static/a/b/'], ['/static/live/']])
    expect(written(own, 't')).to.equal('https://tv.example.com/static/1.ts?t\n../1.ts?t\n')
    expect(written(other, 't')).to.equal('https://tv.example.com/static/1.ts\n../1.ts?t\n')
    expect(own.id).to.not.equal(other.id)
    expect(playlists.last(place)?.id).to.equal(own.id)
  })

  it('are told apart when a client names a host with a path in it', () => {
    const { of } = setup()
    const master = '720p/index.m3u8\n'
    of(master, { origin: 'http://tv.example.com', path: '/vip/live/s/index.m3u8' })
    expect(of(master, { origin: 'http://tv.example.com/vip', path: '/live/s/index.m3u8' }).directories).to.deep.equal(['/live/s/720p/'])
  })

  it('are kept up to a bound in bytes, the one that was read longest ago goes first', () => {
    const { playlists, of } = setup(20_000)
    const text = 'segment.ts\n'.repeat(400)
    for (let i = 0; i < 10; i++) of(text, { path: `/${i}.m3u8` })
    expect(playlists.size).to.be.within(10_000, 20_000)
    expect([0, 9].map((i) => playlists.last({ ...place, path: `/${i}.m3u8` }) !== undefined)).to.deep.equal([false, true])
    of('x'.repeat(30_000), { path: '/long.m3u8' })
    expect([playlists.size, playlists.last({ ...place, path: '/long.m3u8' })]).to.deep.equal([0, undefined])
  })
})
