import { expect } from 'chai'
import type { Action } from '../../lib/access/request.js'
import type { RuleOptions } from '../../lib/options/options.js'
import { openClient, protocolOf, SPEECHES, type Speech } from '../support/clients.js'
import { ANSWERS_BEFORE_STREAM } from '../support/hosts.js'
import type { Decided } from '../support/server.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const VERDICTS = ['allow', 'deny', 'pass'] as const
type RuleVerdict = typeof VERDICTS[number]
const ACTIONS: readonly Action[] = ['play', 'publish']

interface Client { readonly speech: Speech, readonly action: Action, readonly streamPath: string, readonly from?: string }
/** A rule with one condition, where need be for one app alone, and a client on each side of it. */
interface Case { readonly title: string, readonly rule: RuleOptions, readonly meant: Client, readonly other: Client }

const casesFor = (verdict: RuleVerdict, index: number): Case[] => {
  const app = (name: string): string => `/${name}-${verdict}`
  const client = (name: string, change: Partial<Client> = {}): Client => ({ speech: 'rtmp', action: 'play', streamPath: `${app(name)}/s`, ...change })
  return [
    {
      title: 'ip, an address', rule: { ip: `127.0.1.${index + 1}`, verdict },
      meant: client('ip', { from: `127.0.1.${index + 1}` }), other: client('ip', { from: `127.0.1.${index + 101}` })
    },
    {
      title: 'ip, a network', rule: { ip: `127.1.${index}.0/24`, verdict },
      meant: client('ip', { from: `127.1.${index}.77`, speech: 'ws-flv' }), other: client('ip', { from: `127.1.${index + 10}.77`, speech: 'ws-flv' })
    },
    {
      title: 'path, in full', rule: { path: `${app('full')}/s`, verdict },
      meant: client('full', { speech: 'http-flv' }), other: client('full', { speech: 'http-flv', streamPath: `${app('full')}/s2` })
    },
    {
      title: 'path, with *', rule: { path: `${app('star')}/cam*-main`, verdict },
      meant: client('star', { streamPath: `${app('star')}/cam12-main` }), other: client('star', { streamPath: `${app('star')}/cam12-sub` })
    },
    ...ACTIONS.map((action, at): Case => ({
      title: `for ${action}`, rule: { for: action, path: `${app(action)}/*`, verdict },
      meant: client(action, { action }), other: client(action, { action: ACTIONS[1 - at]! })
    })),
    ...SPEECHES.map((speech, at): Case => ({
      title: `protocol, spoken by ${speech}`, rule: { protocol: protocolOf(speech), path: `${app(`spoken${at}`)}/*`, verdict },
      meant: client(`spoken${at}`, { speech }), other: client(`spoken${at}`, { speech: SPEECHES.find((each) => protocolOf(each) !== protocolOf(speech))! })
    }))
  ]
}

describe('rules', () => {
  const cases = VERDICTS.flatMap((verdict, index) => casesFor(verdict, index))
  const { backend, server, keep } = withServer({
    answer: { status: 200 },
    // Who meets no rule but the last is told so by its number.
    options: { rules: [...cases.map(({ rule }) => rule), { verdict: 'deny' }] }
  })

  let clients = 0
  /** What became of a client, who decided, and how often the backend was asked. */
  const come = async (client: Client): Promise<unknown[]> => {
    const query = `client=${clients++}`
    const one = keep(await openClient({ ports: server.ports, query, ...client }))
    const verdicts = async (): Promise<Decided[]> => (await server.verdicts()).filter(({ request }) => request.query === query)
    // Version 2 says nothing over HTTP until somebody publishes.
    const waits = !ANSWERS_BEFORE_STREAM && client.speech.startsWith('http') && client.action === 'play'
    if (waits) await until(async () => (await verdicts()).length > 0, 'a verdict')
    const decided = await verdicts()
    const told = waits && decided[0]?.verdict.allowed === true ? (one.closedAt() === 0 ? 'yes' : 'cut') : await one.told
    return [told, (await verdicts()).map(({ verdict: { allowed, reason, source } }) => [allowed, source === 'rule' ? reason : source]), backend.about(query).length]
  }

  for (const [index, { title, rule, meant, other }] of cases.entries()) {
    it(`${rule.verdict} by ${title}, and nobody else`, async () => {
      expect(await come(meant)).to.deep.equal({
        allow: ['yes', [[true, `allowed by rules[${index}]`]], 0],
        deny: ['no', [[false, `denied by rules[${index}]`]], 0],
        pass: ['yes', [[true, 'backend']], 1]
      }[rule.verdict])
      expect(await come(other)).to.deep.equal(['no', [[false, `denied by rules[${cases.length}]`]], 0])
    })
  }
})
