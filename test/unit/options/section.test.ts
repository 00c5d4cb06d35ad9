import { expect } from 'chai'
import { howToWriteSection } from '../../../lib/options/section.js'

describe('a config without the section', () => {
  for (const wrong of ['httpauth', 'HttpAuth', 'http_auth', 'http-auth', 'httpAuht', 'htpAuth', 'httpAuths', 'httpAut']) {
    it(`asks whether ${wrong} is meant to be it`, () => {
      expect(howToWriteSection(['rtmp', wrong, 'http', 'auth'])).to.include(`Is "${wrong}" meant to be "httpAuth"?`)
    })
  }

  it('is told how to write one, and its own sections do not look like it', () => {
    const told = howToWriteSection(['bind', 'notify', 'rtmp', 'rtmps', 'http', 'https', 'static', 'auth', 'record', 'store', 'relay', 'webadmin', 'api'])
    expect(told).to.match(/^its sections are: bind, .*, api\.\nAdd "httpAuth": \{ "url": "http:\/\/127\.0\.0\.1:6000" \} to guard it, or "httpAuth": false to leave it open on purpose\.$/)
  })

  it('may be empty', () => {
    expect(howToWriteSection([])).to.match(/^its sections are: none\./)
  })
})
