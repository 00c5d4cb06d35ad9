// Plays a stream with the token in the page's form, and says what the server answers if it does not.
const { Hls, mpegts } = window

const video = document.querySelector('video')
const output = document.querySelector('output')
const form = document.querySelector('form')

const say = (text) => { output.textContent = text }

/** What a status of the server means to who sits before the page. */
const ANSWERS = { 403: 'Refused', 404: 'There is no such stream now', 503: 'Cannot be decided now, try again later' }
const sayFailed = (status, detail) => say(status > 0 ? `${ANSWERS[status] ?? 'Failed'} (${status})` : `Failed: ${detail}`)

/** Each starts a player and returns how to end it. */
const players = {
  'hls': (stream, query) => {
    const hls = new Hls()
    hls.on(Hls.Events.ERROR, (event, { fatal, response, details }) => {
      if (!fatal) return
      hls.destroy()
      sayFailed(response?.code, details)
    })
    // Only this address has the token. The server puts it behind every link in the playlists that it sends.
    hls.loadSource(`/static/${stream}/index.m3u8${query}`)
    hls.attachMedia(video)
    return () => hls.destroy()
  },
  'http-flv': (stream, query) => {
    const player = mpegts.createPlayer({ type: 'flv', isLive: true, url: `/${stream}.flv${query}` })
    player.on(mpegts.Events.ERROR, (type, details, { code }) => sayFailed(code, details))
    player.attachMediaElement(video)
    player.load()
    return () => player.destroy()
  }
}

let end = () => {}
form.addEventListener('submit', (event) => {
  event.preventDefault()
  end()
  say('Loading')
  const query = `?${new URLSearchParams({ token: form.token.value })}`
  end = players[event.submitter.value](form.stream.value, query)
  video.play().catch(() => {})
})
video.addEventListener('playing', () => say('Playing'))
form.token.value = new URLSearchParams(location.search).get('token') ?? ''
