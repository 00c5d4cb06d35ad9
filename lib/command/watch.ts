import { Misuse } from '../errors.js'
import { printable, visibleJson } from '../mask.js'
import { REMOTE_USAGE, runRemote } from './remote.js'
import { duration, size } from './table.js'

const USAGE = `nms-http-auth watch: prints verdicts, starts, ends and outages as they happen, until Ctrl+C

  nms-http-auth watch -c config.json

${REMOTE_USAGE}`

type Data = Readonly<Record<string, unknown>>

const word = (value: unknown, max = 200): string => printable(typeof value === 'string' ? value : JSON.stringify(value) ?? '', max)

const who = ({ user, ip, action, streamPath, path, protocol }: Data): string =>
  `${action === 'publish' ? 'publish' : 'play'} ${word(streamPath || path)} ${word(protocol)} ${word(ip)}${user === undefined ? '' : ` user=${word(user)}`}`

const takenBy = (by: unknown): string => {
  if (by === undefined) return ''
  const { ip, session, rule } = by as Data
  return ` (${word(rule)}, for ${word(ip)}${session === undefined ? '' : ` session=${word(session)}`})`
}

const lineOf = (event: string, data: Data): string => {
  const time = word(data['time'] ?? data['startedAt'])
  switch (event) {
    case 'verdict': return `${time} ${data['allowed'] === true ? 'allowed' : 'denied '} ${who(data)} by ${word(data['source'])}: ${word(data['reason'])}`
    case 'start': return `${time} start   ${who(data)} session=${word(data['id'])}`
    case 'end': return `${time} end     ${who(data)} session=${word(data['id'])} ${word(data['reason'])}${takenBy(data['takenBy'])} after ${duration(Number(data['durationMs']))}, ${size(Number(data['outBytes']))} out`
    case 'outage': return `${time} outage  ${word(data['state'])}: ${word(data['reason'])}`
    default: return `${time} ${word(event)}`
  }
}

/** Parses a stream of server-sent events. */
export const eventsOf = (onEvent: (event: string, data: Data) => void): (text: string) => void => {
  let rest = ''
  return (text) => {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1]
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (event !== undefined && data !== undefined) onEvent(event, JSON.parse(data) as Data)
    }
  }
}

/** Prints events as they come. */
export const watch = (args: string[]): Promise<number> => runRemote('watch', USAGE, args, {}, async (remote, { json }) => {
  // The reader of a pipe, such as `head`, has seen enough.
  process.stdout.on('error', () => process.exit(0))
  await remote.events(eventsOf((event, data) => {
    process.stdout.write(`${json ? visibleJson({ event, ...data }, 0) : lineOf(event, data)}\n`)
  }))
  return 0
}, ({ positionals }) => {
  if (positionals.length > 0) throw new Misuse('watch takes no arguments')
})
