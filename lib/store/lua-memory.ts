import { PRELUDE, USER } from './lua-prelude.js'

/**
 * Looks for a remembered allow and for a bar. `KEYS`: the keys of allows, the bar, and of the keys' prefix for users one as an example;
 * `ARGV`: deadline, bar prefix for users. Returns barred, which key, its sealed facts, the sealed key of the allow that it covers, and
 * the rest of its time in ms.
 */
export const RECALL = `${PRELUDE}${USER}
local barKey = KEYS[#KEYS]
local barred = 0
local bar = redis.call('GET', barKey)
local userId, device, barMs = (bar or ''):match('^(%S+) (%S+) (%d+)$')
if userId then
  local key = ARGV[2] .. userId
  local user = load(key)
  local newest
  for _, place in pairs(user.places) do
    if not newest or older(newest, place) then newest = place end
  end
  if newest and user.count >= newest.limit and #candidates(user, { id = '', device = device, stream = '' }) == 0 then
    barred = 1
    redis.call('PEXPIRE', barKey, barMs)
    redis.call('HSET', key, 'b' .. device, after(tonumber(barMs)))
    keep(key, tonumber(barMs))
  end
end
for at = 1, #KEYS - 1 do
  local found = redis.call('HMGET', KEYS[at], 'facts', 'to', 'key')
  if found[1] then return { barred, at, found[1], '', redis.call('PTTL', KEYS[at]) } end
  if found[2] then
    local facts = redis.call('HGET', found[2], 'facts')
    if facts then return { barred, at, facts, found[3], redis.call('PTTL', found[2]) } end
  end
end
return { barred, 0, '', '', 0 }
`

/** Remembers an allow, or remembers it longer with all that it covers. `KEYS[1]`; `ARGV`: deadline, sealed facts, for how many ms. */
export const REMEMBER = `${PRELUDE}
redis.call('HSET', KEYS[1], 'facts', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for covered in (redis.call('HGET', KEYS[1], 'covers') or ''):gmatch('%S+') do redis.call('PEXPIRE', covered, ARGV[3]) end
return 1
`

/** Makes an allow (`KEYS[1]`) known by the other keys, too. `ARGV`: deadline, then for each of them its sealed key of the allow. */
export const COVER = `${PRELUDE}
local left = redis.call('PTTL', KEYS[1])
if left <= 0 then return 0 end
local covers = redis.call('HGET', KEYS[1], 'covers') or ''
for at = 2, #KEYS do
  redis.call('HSET', KEYS[at], 'to', KEYS[1], 'key', ARGV[at])
  redis.call('PEXPIRE', KEYS[at], left)
  if not covers:find(KEYS[at], 1, true) then covers = covers .. KEYS[at] .. ' ' end
end
redis.call('HSET', KEYS[1], 'covers', covers)
return 1
`

/** Bars a request. `KEYS[1]`: the bar, `KEYS[2]`: its user; `ARGV`: deadline, user, device, ms. */
export const BAR = `${PRELUDE}${USER}
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4], 'PX', ARGV[4])
redis.call('HSET', KEYS[2], 'b' .. ARGV[3], after(tonumber(ARGV[4])))
keep(KEYS[2], tonumber(ARGV[4]))
return 1
`
