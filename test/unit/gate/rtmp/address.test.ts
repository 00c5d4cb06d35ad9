import { expect } from 'chai'
import { streamAddress } from '../../../../lib/gate/rtmp/address.js'

const isName = (text: string): boolean => /^[A-Za-z0-9_-]+$/.test(text)
const of = (app: string, name: string, tcUrl = 'rtmp://h/live') => streamAddress({ app, name, tcUrl }, isName)

describe('the stream that an encoder\'s URL means', () => {
  for (const [app, name, query, tcUrl] of [
    ['live', 's', ''], ['live/', 's', ''], ['live', '/s', ''], ['live/', '/s', ''], ['live/_definst_', 's', ''], ['live/_definst_/', 's', ''],
    ['live', 'flv:s', ''], ['live', 'mp4:s', ''], ['live/s', '', ''], ['live/s/', '', ''],
    ['live', 's?token=1', 'token=1'], ['live', 's?token=1?x', 'token=1?x'], ['live', 'flv:s?token=1', 'token=1'], ['live/s', '?token=1', 'token=1'],
    // OBS and others with the token in the server's URL.
    ['live?token=1', 's', 'token=1'], ['live/?token=1', 's', 'token=1'], ['live/_definst_?token=1', 's', 'token=1'], ['live?token=1', 's?x=2', 'token=1&x=2'],
    ['live?sig=a/b==', 's', 'sig=a/b=='], ['live?token=1', 's?token=1', 'token=1&token=1'],
    // ffmpeg and librtmp split at a slash of the token.
    ['live/s?token=1&sig=a', 'b==', 'token=1&sig=a/b=='], ['live/s?sig=a', 'b/c?d', 'sig=a/b/c?d'], ['live/s?sig=a/b', 'c', 'sig=a/b/c'],
    // In tcUrl alone.
    ['live', 's', 'token=1', 'rtmp://h/live?token=1'], ['live', 's?x=2', 'token=1&x=2', 'rtmp://h/live?token=1'],
    ['live', 's?token=1&x=2', 'y=3&token=1&x=2', 'rtmp://h/live/s?token=1&y=3'], ['live/s', '', 'token=1', 'rtmp://h/live/s?token=1'],
    ['live?token=1', 's', 'token=1', 'rtmp://h/live?token=2']
  ] as const) {
    it(`of the app ${app} and the name ${JSON.stringify(name)}${tcUrl === undefined ? '' : ` at ${tcUrl}`} is /live/s with ${JSON.stringify(query)}`, () => {
      expect(of(app, name, tcUrl)).to.deep.equal({ app: 'live', name: 's', query })
    })
  }

  for (const [app, name, reason] of [
    ['live', '', 'the stream name is missing'], ['live', '?token=1', 'the stream name is missing'], ['', 's', 'the app is missing'], ['?token=1', 's', 'the app is missing'],
    ['live', 'tv.one', 'the stream name has "."; node-media-server takes letters, digits, _ and - only'],
    ['live', 'a b.ü/.', 'the stream name has U+0020 "." U+00FC "/"; node-media-server takes letters, digits, _ and - only'],
    ['li.ve', 's', 'the app has "."; node-media-server takes letters, digits, _ and - only'],
    ['live', 'mp3:s', 'the stream name has ":"; node-media-server takes letters, digits, _ and - only'],
    ['live/room', 's', 'a stream is /app/name; this one has more segments'], ['a/b/c', 's', 'a stream is /app/name; this one has more segments'],
    ['live', 'rtmp://h/live/s', 'the stream name is a whole URL; only its last part is the name'],
    ['/live', '', 'the app is missing'], ['live', 's'.repeat(2100), 'path too long'], ['live', `s?${'x'.repeat(4097)}`, 'query too long'],
    [`live?${'x'.repeat(4000)}`, `s?${'x'.repeat(97)}`, 'query too long']
  ] as const) {
    it(`is none for the app ${app.slice(0, 20)} and the name ${JSON.stringify(name.slice(0, 20))}: ${reason}`, () => {
      expect(of(app, name).malformed).to.equal(reason)
    })
  }

  it('holds no byte of a token in its reason', () => {
    for (const [app, name] of [['live/s/hunter2', 'x'], ['live', 'rtmp://hunter2/'], ['live', 's.hunter2']] as const) {
      expect(of(app, name).malformed).to.be.a('string').that.does.not.include('hunter2')
    }
  })
})
