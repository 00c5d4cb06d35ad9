import { expect } from 'chai'
import { spy } from 'sinon'
import { compilePlaylist } from '../../../lib/hls/playlist.js'
import { createPlaylists } from '../../../lib/hls/playlists.js'

const place = { origin: 'https://tv.example.com', path: '/static/live/s/index.m3u8' }

describe('playlists', () => {
  const setup = () => {
    const compile = spy(compilePlaylist)
    return { compile, playlists: createPlaylists(compile) }
  }

  it('are compiled once for all viewers of one version', () => {
    const { compile, playlists } = setup()
    const written = ['token=1', 'token=2', ''].map((query) => playlists.of('1.ts\n', place).write(query))
    expect(written).to.deep.equal(['1.ts?token=1\n', '1.ts?token=2\n', '1.ts\n'])
    expect(compile.callCount).to.equal(1)
  })

  it('are compiled anew when their text changes', () => {
    const { playlists } = setup()
    playlists.of('1.ts\n', place)
    expect(playlists.of('2.ts\n', place).write('t')).to.equal('2.ts?t\n')
    expect(playlists.of('1.ts\n', place).write('t')).to.equal('1.ts?t\n')
  })

  it('are told apart by origin and path, though their texts are the same', () => {
    const { playlists } = setup()
    const text = 'https://tv.example.com/static/1.ts\n../1.ts\n'
    const at = (other: object): object => playlists.of(text, { ...place, ...other })
    expect(at({})).to.deep.include({ directories: ['/static/', '/static/live/'] })
    expect(at({ path: '/static/a/b/c/index.m3u8' })).to.deep.include({ directories: ['/static/', '/static/a/b/'] })
    expect(at({ origin: 'http://tv.example.com' })).to.deep.include({ directories: ['/static/live/'] })
  })

  it('are told apart when a client names a host with a path in it', () => {
    const { playlists } = setup()
    const master = '720p/index.m3u8\n'
    playlists.of(master, { origin: 'http://tv.example.com', path: '/vip/live/s/index.m3u8' })
    expect(playlists.of(master, { origin: 'http://tv.example.com/vip', path: '/live/s/index.m3u8' }).directories).to.deep.equal(['/live/s/720p/'])
  })

  it('are not kept if they are long, nor more than a few hundred', () => {
    const { compile, playlists } = setup()
    const long = 'segment.ts\n'.repeat(2000)
    playlists.of(long, place)
    playlists.of(long, place)
    expect(compile.callCount).to.equal(2)
    for (let i = 0; i < 256; i++) playlists.of('1.ts', { ...place, path: `/${i}.m3u8` })
    playlists.of('1.ts', { ...place, path: '/0.m3u8' })
    expect(compile.callCount).to.equal(258)
    playlists.of('1.ts', { ...place, path: '/256.m3u8' })
    playlists.of('1.ts', { ...place, path: '/0.m3u8' })
    expect(compile.callCount).to.equal(260)
  })
})
