import { Misuse } from '../errors.js'
import { REMOTE_USAGE, runRemote } from './remote.js'
import { visibleJson } from '../mask.js'

const USAGE = `nms-http-auth end: ends sessions

  nms-http-auth end SESSION -c config.json
  nms-http-auth end --user USER -c config.json

The remembered allow is forgotten: if the client comes back, the backend is asked again.

  --user USER        end all sessions of this user
  --bar SECONDS      refuse the same request for so long
${REMOTE_USAGE}`

/** Ends one session, or all of a user. */
export const end = (args: string[]): Promise<number> => runRemote('end', USAGE, args, { user: { type: 'string' }, bar: { type: 'string' } }, async (remote, { values: { user, bar }, positionals: [id = ''], json }) => {
  const path = typeof user === 'string' ? `api/users/${encodeURIComponent(user)}/sessions` : `api/sessions/${encodeURIComponent(id)}`
  const answer = await remote.ask<{ readonly ended: number }>(`${path}${typeof bar === 'string' ? `?barMs=${Number(bar) * 1000}` : ''}`, 'DELETE') ?? { ended: 0 }
  if (json) process.stdout.write(`${visibleJson(answer, 0)}\n`)
  else process.stdout.write(answer.ended === 0 ? 'no such session is running\n' : `ended: ${answer.ended}\n`)
  return answer.ended === 0 ? 1 : 0
}, ({ values: { user, bar }, positionals }) => {
  if ((user === undefined ? 0 : 1) + positionals.length !== 1 || positionals[0] === '' || user === '') throw new Misuse('name one session, or --user USER')
  if (bar !== undefined && !/^\d{1,5}$/.test(String(bar))) throw new Misuse('--bar must be a number of seconds')
})
