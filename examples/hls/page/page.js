/* global AbortController */
// Plays a stream with the token in the page's form. Says what the server answers if it does not play, and tries again
// by itself where that can help.
const { Hls, mpegts } = window

const RETRY_MS = 3000

const video = document.querySelector('video')
const output = document.querySelector('output')
const box = document.querySelector('.player')
const form = document.querySelector('form')

const show = (state, text) => {
  box.dataset.state = state
  output.textContent = text
}

/** What a status of the server means to who sits before the page, and whether to try again. 0: there was no answer. */
const ANSWERS = {
  0: { text: 'The server cannot be reached, trying again', again: true },
  403: { text: 'You have no access to this stream (403)' },
  404: { text: 'This stream is not live yet, trying again', again: true },
  503: { text: "We can't check your access right now, trying again", again: true }
}

/** Browsers that save power may want to be asked by hand. */
const play = () => video.play().catch(({ name }) => { if (name === 'NotAllowedError') show('ready', 'Press play in the picture') })

/** hls.js, where the browser has Media Source Extensions. */
const overHlsJs = (url, failed) => {
  const hls = new Hls()
  hls.on(Hls.Events.ERROR, (event, { fatal, response, details }) => { if (fatal) failed(response?.code, details) })
  // Only this address has the token. The server puts it behind every link in the playlists that it sends.
  hls.loadSource(url)
  hls.attachMedia(video)
  return () => hls.destroy()
}

/** The browser's own HLS, as on older iPhones. It does not say which status it met, so that is asked for first. */
const overNativeHls = (url, failed) => {
  const ended = new AbortController()
  const { signal } = ended
  fetch(url, { signal }).then(({ ok, status }) => {
    if (!ok) return failed(status)
    video.addEventListener('error', () => failed(undefined, video.error?.message), { signal })
    video.src = url
    return play()
  }).catch(({ name }) => { if (!signal.aborted && name === 'TypeError') failed(0) })
  return () => {
    ended.abort()
    video.removeAttribute('src')
    video.load()
  }
}

/** Each starts a player and returns how to end it. */
const players = {
  'hls': (stream, query, failed) => {
    const url = `/static/${stream}/index.m3u8${query}`
    if (Hls.isSupported()) return overHlsJs(url, failed)
    if (video.canPlayType('application/vnd.apple.mpegurl') !== '') return overNativeHls(url, failed)
    show('refused', 'This browser can play no HLS')
    return () => {}
  },
  'http-flv': (stream, query, failed) => {
    if (!mpegts.isSupported()) {
      show('refused', 'This browser can play no HTTP-FLV; try HLS')
      return () => {}
    }
    const player = mpegts.createPlayer({ type: 'flv', isLive: true, url: `/${stream}.flv${query}` })
    player.on(mpegts.Events.ERROR, (type, details, { code }) => failed(code < 0 ? 0 : code, details))
    player.on(mpegts.Events.LOADING_COMPLETE, () => show('idle', 'The stream has ended'))
    player.attachMediaElement(video)
    player.load()
    return () => player.destroy()
  }
}

let end = () => {}
let timer

const start = (over, { stream, query }) => {
  let failedAlready = false
  end = players[over](stream, query, (status, detail) => {
    if (failedAlready) return
    failedAlready = true
    // Not within the player's own event.
    timer = setTimeout(() => {
      end()
      end = () => {}
      const { text = status > 0 ? `Failed (${status})` : `Failed: ${detail}`, again = false } = ANSWERS[status] ?? {}
      show(again ? 'waiting' : 'refused', text)
      if (again) timer = setTimeout(() => start(over, { stream, query }), RETRY_MS)
    })
  })
  play()
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  clearTimeout(timer)
  end()
  show('loading', 'Loading')
  const query = form.token.value === '' ? '' : `?${new URLSearchParams({ token: form.token.value })}`
  start(event.submitter.value, { stream: form.stream.value, query })
})
video.addEventListener('playing', () => show('playing', 'Playing'))
video.addEventListener('ended', () => show('idle', 'The stream has ended'))
form.token.value = new URLSearchParams(location.search).get('token') ?? ''
