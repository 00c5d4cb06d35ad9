/* global sessionStorage, history, TextDecoder, AbortController */
// The page of the admin server. Everything that comes from a client is shown as text, never as markup.

const SHOWN = 200
/** Shortest time between refreshes, in milliseconds, however much happens. */
const REFRESH_MS = 1000

const byId = (id) => document.getElementById(id)
const make = (name, text = '', className = '') => {
  const element = document.createElement(name)
  element.textContent = text
  element.className = className
  return element
}

/** The token comes in the fragment of the link, which is never sent to a server, and is kept for this tab only. */
const tokenOf = () => {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given) {
    sessionStorage.setItem('token', given)
    history.replaceState(null, '', location.pathname)
  }
  return sessionStorage.getItem('token') ?? ''
}

let token = tokenOf()
let sort = { by: 'startedAt', down: true }
let shown = { sessions: [], total: 0 }
let watching

class WrongToken extends Error {}

const ask = async (path, options = {}) => {
  const response = await fetch(path, { ...options, headers: { authorization: `Bearer ${token}` }, cache: 'no-store' })
  if (response.status === 401) throw new WrongToken()
  return response
}
const read = async (path, options) => {
  const response = await ask(path, options)
  const body = await response.json()
  if (!response.ok) throw new Error(body.error ?? `status ${response.status}`)
  return body
}

const bytes = (count) => {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let index = 0
  while (count >= 1000 && index < units.length - 1) { count /= 1000; index += 1 }
  return `${index === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${units[index]}`
}
const span = (ms) => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min` : `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`
}
const ago = (time) => span(Date.now() - Date.parse(time))
const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false })

const state = (text, kind) => {
  byId('state').textContent = text
  byId('state').className = `pill ${kind}`
}

const card = (value, name, bad = false) => {
  const element = make('div', '', bad ? 'card bad' : 'card')
  element.append(make('b', value), make('span', name))
  return element
}

const showStatus = ({ server, version, nodeMediaServer, ready, backends, stats, outage, warnings }) => {
  byId('server').textContent = `${server}, version ${version}, node-media-server ${nodeMediaServer}`
  const alarm = byId('outage')
  alarm.hidden = outage === null
  if (outage !== null) alarm.textContent = `The backend has been down for ${ago(outage.since)}: ${outage.reason}`
  const notices = [...(stats.dryRun ? ['Dry run: viewers are let in whatever the verdict.'] : []), ...(ready ? [] : ['Draining: new clients are refused.']), ...warnings]
  byId('notices').replaceChildren(...notices.map((text) => make('div', text, 'notice')))
  const count = (action) => Object.values(stats.sessions[action] ?? {}).reduce((sum, n) => sum + n, 0)
  byId('numbers').replaceChildren(
    ...backends.map(({ at, up, breakerOpen, latencyMs, waiting }) => card(
      !up ? 'down' : latencyMs === undefined ? 'not asked yet' : `${Math.round(latencyMs)} ms`,
      `backend ${at}${breakerOpen ? ', breaker open' : ''}${waiting > 0 ? `, ${waiting} waiting` : ''}`, !up)),
    card(String(count('play')), 'viewers'), card(String(count('publish')), 'publishers'), card(String(stats.held), 'waiting for a verdict')
  )
  if (outage !== null) state('backend down', 'bad')
  else if (!ready) state('draining', 'warn')
  else state(stats.dryRun ? 'dry run' : 'OK', stats.dryRun ? 'warn' : 'good')
}

const sorted = () => {
  const value = (session) => sort.by === 'bytes' ? session.inBytes + session.outBytes : session[sort.by] ?? ''
  const order = [...shown.sessions].sort((a, b) => value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0)
  return sort.down ? order.reverse() : order
}

const rowOf = (session) => {
  const row = make('tr')
  const cell = (text, className, small) => {
    const element = make('td', text, className)
    if (small) element.append(make('small', small))
    row.append(element)
    return element
  }
  cell(session.user ?? 'no user', 'first')
  cell(session.ip, '', session.userAgent)
  cell(session.streamPath, '', session.action === 'publish' ? 'publishes' : '')
  cell(session.protocol, '')
  cell(ago(session.startedAt), 'number', session.nextCheckAt && `next check in ${span(Date.parse(session.nextCheckAt) - Date.now())}`)
  cell(bytes(session.inBytes + session.outBytes), 'number')
  const end = make('button', 'End', 'danger')
  end.type = 'button'
  end.setAttribute('aria-label', `End the session of ${session.user ?? session.ip} on ${session.streamPath}`)
  end.addEventListener('click', () => askToEnd(session))
  cell('', 'action').append(end)
  return row
}

const showSessions = () => {
  byId('in-count').textContent = String(shown.total)
  const rows = sorted().map(rowOf)
  const none = make('tr')
  none.append(make('td', byId('q').value === '' ? 'Nobody is in.' : 'No session matches.', 'empty'))
  none.firstChild.colSpan = 7
  byId('in').tBodies[0].replaceChildren(...rows.length > 0 ? rows : [none])
  byId('in-more').textContent = shown.total > rows.length ? `These are the newest ${rows.length} of ${shown.total}. Search for an address, user or stream to find the others.` : ''
  for (const button of document.querySelectorAll('th button')) {
    const own = button.dataset.sort === sort.by
    if (own) button.parentElement.setAttribute('aria-sort', sort.down ? 'descending' : 'ascending')
    else button.parentElement.removeAttribute('aria-sort')
  }
}

const verdictItem = (verdict) => {
  const item = make('li')
  const time = make('time', clock(verdict.time))
  time.dateTime = verdict.time
  const what = make('div', `${verdict.user ?? verdict.ip} ${verdict.action === 'play' ? 'plays' : 'publishes'} ${verdict.streamPath || verdict.path} `)
  what.append(make('small', [
    verdict.reason, verdict.reason.includes(`by the ${verdict.source}`) ? '' : `by ${verdict.source}`, verdict.fault, verdict.protocol, verdict.user === undefined ? '' : verdict.ip,
    verdict.backendMs === undefined ? '' : `${verdict.backendMs} ms`
  ].filter(Boolean).join(' · ')))
  const kind = verdict.source === 'dry-run' ? 'warn' : verdict.allowed ? 'good' : 'bad'
  const pill = make('span')
  pill.append(make('span', verdict.source === 'dry-run' ? 'dry run' : verdict.allowed ? 'let in' : 'refused', `pill ${kind}`))
  item.append(time, pill, what)
  return item
}

/** Explains the newest verdict and the newest end that match the search. */
const showAnswer = (q, { verdicts, ends }) => {
  const box = byId('answer')
  box.hidden = q === ''
  if (q === '') return
  const [newest] = verdicts
  const [ended] = ends
  if (newest === undefined && ended === undefined) {
    box.className = ''
    box.replaceChildren(make('strong', `Nothing is known about ${q}.`), make('p', 'It is not among the last 5,000 requests, or was cut before it could make one: see cut_total in the metrics, and the audit file.'))
    return
  }
  const parts = []
  if (newest !== undefined) {
    parts.push(make('strong', `${newest.ip} ${newest.allowed ? 'was let in' : 'was refused'} ${ago(newest.time)} ago: ${newest.reason}`), make('p', newest.explanation))
    if (newest.fault) parts.push(make('p', `Fault: ${newest.fault}`))
    for (const { ip, userAgent, streamPath, time } of newest.ended ?? []) parts.push(make('p', `The session of ${ip} (${userAgent}) on ${streamPath} was ended for it ${ago(time)} ago.`))
  }
  if (ended !== undefined) parts.push(make('p', `Its session on ${ended.streamPath} ended ${ago(ended.time)} ago: ${ended.reason}${ended.takenBy ? `, its place was taken by ${ended.takenBy.ip} (${ended.takenBy.userAgent})` : ''}.`))
  box.className = newest?.allowed === false ? 'bad' : 'good'
  box.replaceChildren(...parts)
}

const refresh = async () => {
  const q = byId('q').value.trim()
  const query = new URLSearchParams({ limit: String(SHOWN), ...(q !== '' && { q }) })
  const [status, sessions, verdicts] = await Promise.all([read('api/status'), read(`api/sessions?${query}`), read(`api/verdicts?${query}`)])
  // The search has changed meanwhile.
  if (q !== byId('q').value.trim()) return
  shown = sessions
  showStatus(status)
  showSessions()
  showAnswer(q, verdicts)
  byId('verdicts-count').textContent = String(verdicts.total)
  const items = verdicts.verdicts.map(verdictItem)
  byId('verdicts').replaceChildren(...items.length > 0 ? items : [make('li', 'Nothing yet.', 'empty')])
}

let due
let last = 0
/** Refreshes soon; further calls until then cause no further refresh. */
const soon = (atOnce = false) => {
  if (due !== undefined && !atOnce) return
  clearTimeout(due)
  due = setTimeout(async () => {
    due = undefined
    last = Date.now()
    try {
      await refresh()
    } catch (error) {
      failed(error)
    }
  }, atOnce ? 0 : Math.max(50, REFRESH_MS - (Date.now() - last)))
}

const failed = (error) => {
  if (error instanceof WrongToken) return login(token === '' ? '' : 'This token is wrong. ')
  state('server does not answer', 'bad')
}

const login = (why) => {
  watching?.abort()
  watching = undefined
  sessionStorage.removeItem('token')
  token = ''
  state('locked', '')
  byId('view').hidden = true
  byId('reload').hidden = true
  byId('login').hidden = false
  byId('login-why').textContent = `${why}Enter the admin token from the config of this server (admin.token, or the file admin.tokenFile).`
  byId('token').focus()
}

/** Reads events while the page is open; each causes a refresh. */
const watch = async (signal) => {
  while (!signal.aborted) {
    try {
      const response = await ask('api/events', { signal })
      if (!response.ok) throw new Error(`status ${response.status}`)
      const decoder = new TextDecoder()
      soon(true)
      for (let reader = response.body.getReader(), part = await reader.read(); !part.done; part = await reader.read()) {
        if (decoder.decode(part.value, { stream: true }).includes('event:')) soon()
      }
      throw new Error('the stream ended')
    } catch (error) {
      if (signal.aborted) return
      failed(error)
      if (error instanceof WrongToken) return
      await new Promise((resolve) => { setTimeout(resolve, 2000) })
      soon(true)
    }
  }
}

const enter = async () => {
  try {
    await refresh()
    byId('login').hidden = true
    byId('view').hidden = false
    byId('reload').hidden = false
    watching = new AbortController()
    void watch(watching.signal)
  } catch (error) {
    failed(error)
    if (!(error instanceof WrongToken)) setTimeout(enter, 2000)
  }
}

let toEnd
const askToEnd = (session) => {
  toEnd = session
  byId('ask-what').textContent = `${session.user ?? 'no user'}, ${session.ip}, ${session.action === 'publish' ? 'publishes' : 'plays'} ${session.streamPath} by ${session.protocol}`
  byId('ask').showModal()
}
byId('ask-no').addEventListener('click', () => byId('ask').close())
byId('ask-yes').addEventListener('click', async () => {
  byId('ask').close()
  try {
    await read(`api/sessions/${encodeURIComponent(toEnd.id)}${byId('ask-bar').checked ? '?barMs=60000' : ''}`, { method: 'DELETE' })
  } catch (error) {
    if (error instanceof WrongToken) failed(error)
    else byId('notices').replaceChildren(make('div', `The session was not ended. ${error.message}`, 'alarm'))
  }
  soon(true)
})
byId('reload').addEventListener('click', async () => {
  try {
    await read('api/reload', { method: 'POST' })
    state('config reloaded', 'good')
  } catch (error) {
    if (error instanceof WrongToken) return failed(error)
    byId('notices').replaceChildren(make('div', `The config was not reloaded, the options stay as they were: ${error.message}`, 'alarm'))
  }
})
for (const button of document.querySelectorAll('th button')) {
  button.addEventListener('click', () => {
    const by = button.dataset.sort
    sort = { by, down: sort.by === by ? !sort.down : by === 'startedAt' || by === 'bytes' }
    showSessions()
  })
}
byId('q').addEventListener('input', () => soon(true))
byId('enter').addEventListener('click', () => {
  token = byId('token').value.trim()
  sessionStorage.setItem('token', token)
  void enter()
})
byId('token').addEventListener('keydown', ({ key }) => { if (key === 'Enter') byId('enter').click() })
// What is shown as a time grows old by itself.
setInterval(() => { if (!byId('view').hidden) soon() }, 10_000)

if (token === '') login('')
else void enter()
