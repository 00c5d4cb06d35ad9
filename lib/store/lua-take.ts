import { PRELUDE, USER } from './lua-prelude.js'

/**
 * Takes a place of a user (`KEYS[1]`). `ARGV`: deadline, server, lease in ms, place, device, stream, goneMs, limit,
 * `take` or `enter`, policy, bar in ms. Returns the result, whether there are now too many, and the place's begin.
 * Idempotent by the place's id: an existing place keeps its begin.
 */
export const TAKE = `${PRELUDE}${USER}
local key, node, lease = KEYS[1], ARGV[2], tonumber(ARGV[3])
local id, device, stream = ARGV[4], ARGV[5], ARGV[6]
local limit, waits, policy, bar = tonumber(ARGV[8]), ARGV[9] == 'enter', ARGV[10], tonumber(ARGV[11])
local user = load(key)
local mine = user.places[id]
local isNew = not mine
mine = mine or { id = id, device = device, stream = stream, nodes = {} }
-- A try of a device that was just ended here, or of one that is known to be two.
local spot = device .. ' ' .. stream
if isNew and (user.z[spot] or lookalike(user, device)) then
  local count = tonumber((user.c[device] or '0 0'):match(' (%d+)$')) + 1
  user.c[device] = after(bar) .. ' ' .. int(count)
  redis.call('HSET', key, 'c' .. device, user.c[device])
  redis.call('HDEL', key, 'z' .. spot)
end
local tooMany = user.count + (isNew and 1 or 0) > limit
if isNew and waits and tooMany and (policy == 'free' or #candidates(user, mine) < user.count + 1 - limit) then
  local barred = user.b[device]
  if barred then
    redis.call('HSET', key, 'b' .. device, after(bar))
    keep(key, bar)
    return { 'bar', 1, '0' }
  end
  if policy ~= 'endOldest' then
    keep(key, bar)
    return { 'denyNew', 1, '0' }
  end
end
mine.begin = mine.begin or now
mine.seen = now
mine.gone, mine.limit = tonumber(ARGV[7]), limit
mine.nodes[node] = after(lease)
redis.call('HSET', key, 'p' .. id, text(mine))
redis.call('HDEL', key, 'e' .. id)
keep(key, math.max(lease, bar))
return { 'in', (isNew and tooMany) and 1 or 0, int(mine.begin) }
`
