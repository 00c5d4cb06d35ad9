import { expect } from 'chai'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { WebhookSettings } from '../../../lib/access/settings.js'
import type { SessionFacts } from '../../../lib/observe/hub.js'
import { createWebhook, WEBHOOK_LIMITS, type Webhook, type WebhookLimits } from '../../../lib/observe/webhook.js'
import { sleep, until } from '../../support/waiting.js'

const SESSION: SessionFacts = { id: 's1', action: 'play', protocol: 'rtmp', ip: '192.0.2.1', path: '/live/s', streamPath: '/live/s', userAgent: 'vlc', user: 'u1', startedAt: 1000 }

interface Told { readonly headers: IncomingHttpHeaders, readonly body: string, readonly json: { readonly epoch: string, readonly sequence: number, readonly event: string, readonly session: string } }

describe('the webhook', () => {
  let server: Server
  let told: Told[] = []
  /** How each POST is answered: a status, or nothing at all. */
  let answer: (sequence: number) => number | 'hang' = () => 204
  let inFlight = 0
  let mostInFlight = 0
  const sockets = new Set<Socket>()
  const webhooks: Webhook[] = []
  let troubles: string[] = []
  let mended: number[] = []

  const listen = async (port = 0): Promise<void> => {
    server = createServer((req, res) => {
      mostInFlight = Math.max(mostInFlight, ++inFlight)
      res.on('close', () => { inFlight -= 1 })
      let body = ''
      req.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => {
        const json = JSON.parse(body) as Told['json']
        told.push({ headers: req.headers, body, json })
        const status = answer(json.sequence)
        if (status !== 'hang') res.writeHead(status).end()
      })
    }).on('connection', (socket: Socket) => { sockets.add(socket) })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  }
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
    await new Promise((resolve) => server.close(resolve))
  }
  const portOf = (): number => (server.address() as AddressInfo).port
  const made = (settings: Partial<WebhookSettings> = {}, limits: Partial<WebhookLimits> = {}): Webhook => {
    const webhook = createWebhook({ url: settings.url ?? `http://127.0.0.1:${portOf()}/hook`, events: settings.events ?? ['start', 'end'], headers: settings.headers ?? {}, ...(settings.secret !== undefined && { secret: settings.secret }) },
      { onTrouble: (problem) => troubles.push(problem), onMended: (lost) => mended.push(lost) }, { ...WEBHOOK_LIMITS, pauseMs: [10, 40], closeMs: 300, ...limits })
    webhooks.push(webhook)
    return webhook
  }
  const start = (webhook: Webhook, count: number): void => {
    for (let n = 0; n < count; n++) webhook.start?.({ ...SESSION, id: `s${n}`, startedAt: Date.now() })
  }
  const sequences = (): number[] => told.map(({ json }) => json.sequence)
  const firstTimes = (): number[] => [...new Set(sequences())]
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

  beforeEach(async () => {
    told = []
    troubles = []
    mended = []
    mostInFlight = 0
    answer = () => 204
    await listen()
  })
  afterEach(async () => {
    await Promise.all(webhooks.splice(0).map((webhook) => webhook.close()))
    await stop()
  })

  it('tells of a start and an end, in order and numbered', async () => {
    const webhook = made({ headers: { 'X-Secret': 'x' } })
    webhook.start?.(SESSION)
    webhook.end?.(SESSION, { at: 3500, inBytes: 1, outBytes: 2, reason: 'left' })
    await until(() => told.length === 2, 'both are told')
    const [first, second] = told.map(({ json }) => json)
    const facts = { session: 's1', action: 'play', protocol: 'rtmp', ip: '192.0.2.1', path: '/live/s', streamPath: '/live/s', userAgent: 'vlc', user: 'u1', startedAt: '1970-01-01T00:00:01.000Z' }
    expect(first).to.deep.equal({ epoch: first?.epoch, sequence: 0, event: 'start', time: '1970-01-01T00:00:01.000Z', ...facts })
    expect(second).to.deep.equal({ epoch: first?.epoch, sequence: 1, event: 'end', time: '1970-01-01T00:00:03.500Z', ...facts, durationMs: 2500, inBytes: 1, outBytes: 2, reason: 'left' })
    expect(told[0]?.headers).to.include({ 'content-type': 'application/json', 'x-secret': 'x' }).and.not.have.property('x-signature')
  })

  it('signs the time and the raw body', async () => {
    const secret = 's'.repeat(16)
    made({ secret }).start?.(SESSION)
    await until(() => told.length === 1, 'it is told')
    const [, seconds = '', hex = ''] = /^t=(\d+),v1=([\da-f]{64})$/.exec(String(told[0]?.headers['x-signature'])) ?? []
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).to.be.below(60)
    expect(hex).to.equal(createHmac('sha256', secret).update(`${seconds}.${told[0]?.body}`).digest('hex'))
  })

  it('tells only of the events that are wanted', async () => {
    const webhook = made({ events: ['end'] })
    webhook.start?.(SESSION)
    webhook.end?.(SESSION, { at: 1, inBytes: 0, outBytes: 0, reason: 'idle' })
    await until(() => told.length === 1, 'the end is told')
    expect(told[0]?.json).to.include({ event: 'end', sequence: 0 })
  })

  it('has one request in flight, and tells a slow receiver everything in order', async () => {
    const webhook = made()
    start(webhook, 200)
    await until(() => told.length === 200, 'all are told')
    expect(sequences()).to.deep.equal(upTo(200))
    expect(mostInFlight).to.equal(1)
    expect(troubles).to.deep.equal([])
  })

  for (const status of [500, 503, 302, 408, 429]) {
    it(`tries again, in order, after a ${status}`, async () => {
      let failures = 3
      answer = () => failures-- > 0 ? status : 204
      start(made(), 5)
      await until(() => firstTimes().length === 5, 'all are told')
      expect(sequences()).to.deep.equal([0, 0, 0, 0, 1, 2, 3, 4])
      expect(troubles).to.deep.equal([`answers ${status}`])
      await until(() => mended.length === 1, 'it is mended')
      expect(mended).to.deep.equal([0])
    })
  }

  it('drops and counts what the receiver refuses, so that its number is missing', async () => {
    answer = (sequence) => sequence === 1 ? 422 : 204
    const webhook = made()
    start(webhook, 3)
    await until(() => told.length === 3, 'all were tried')
    expect(sequences()).to.deep.equal([0, 1, 2])
    expect(webhook.lost).to.equal(1)
  })

  it('keeps the newest of what a receiver that is down does not take, and tells them when it is back', async () => {
    const port = portOf()
    await stop()
    const webhook = made({ url: `http://127.0.0.1:${port}/hook` }, { maxWaiting: 10 })
    start(webhook, 25)
    expect(webhook.lost).to.equal(15)
    await until(() => troubles.length === 1, 'the trouble is told')
    await listen(port)
    await until(() => told.length === 10, 'the rest is told')
    expect(sequences()).to.deep.equal(upTo(25).slice(15))
    await until(() => mended.length === 1, 'it is mended')
  })

  it('gives up a receiver that takes the request and says nothing, and what is too old', async () => {
    answer = () => 'hang'
    const webhook = made({}, { timeoutMs: 30, maxAgeMs: 100 })
    start(webhook, 3)
    await until(() => webhook.lost === 3, 'they are given up')
    expect(troubles[0]).to.equal('cannot be reached (no answer within 30 ms)')
  })

  for (const [way, maxAgeMs, status] of [['is too old', 40, 503], ['the receiver refuses at last', 60_000, 422]] as const) {
    it(`still sends what happens later, once nothing is left but what ${way}`, async () => {
      answer = (sequence) => sequence > 0 ? 204 : told.length > 1 ? status : 503
      const webhook = made({}, { maxAgeMs })
      start(webhook, 1)
      await until(() => webhook.lost === 1, 'the only one is given up')
      await sleep(50)
      start(webhook, 2)
      await until(() => firstTimes().length === 3, 'the others are told')
      expect(firstTimes()).to.deep.equal(upTo(3))
      await until(() => mended.length === 1, 'it is mended')
      expect(mended).to.deep.equal([1])
    })
  }

  it('sends what waits when it is closed, and does not wait for a receiver that is down', async () => {
    const webhook = made()
    start(webhook, 5)
    await webhook.close()
    expect(told).to.have.lengthOf(5)
    answer = () => 'hang'
    const stuck = made()
    start(stuck, 2)
    await stuck.close()
    expect(stuck.lost).to.equal(2)
    await sleep(50)
  })
})
