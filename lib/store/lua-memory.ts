import { PRELUDE, USER } from './lua-prelude.js'

/**
 * Looks up a remembered allow and a bar. `KEYS`: the allows, the marks of closed viewers, the bar; `ARGV`: deadline,
 * prefix of users' keys, number of allows. Returns: barred, index of the found key, its encrypted facts, the encrypted
 * key of the covering allow, and its remaining time in ms. An allow older than a mark does not count.
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
local closed = 0
for at = tonumber(ARGV[3]) + 1, #KEYS - 1 do closed = math.max(closed, tonumber(redis.call('GET', KEYS[at]) or 0)) end
for at = 1, tonumber(ARGV[3]) do
  local found = redis.call('HMGET', KEYS[at], 'facts', 'at', 'to', 'key')
  local key, sealedKey, facts, since = KEYS[at], '', found[1], found[2]
  if not facts and found[3] then
    key, sealedKey = found[3], found[4]
    facts, since = unpack(redis.call('HMGET', key, 'facts', 'at'))
  end
  if facts and tonumber(since) > closed then return { barred, at, facts, sealedKey, redis.call('PTTL', key) } end
end
return { barred, 0, '', '', 0 }
`

/**
 * Remembers an allow, or extends it with everything it covers. `KEYS`: the allow, and a key that lives as long as any
 * allow; `ARGV`: deadline, encrypted facts, duration in ms.
 */
export const REMEMBER = `${PRELUDE}
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('SET', KEYS[2], 1, 'PX', ARGV[3]) end
redis.call('HSET', KEYS[1], 'facts', ARGV[2], 'at', int(now))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for covered in (redis.call('HGET', KEYS[1], 'covers') or ''):gmatch('%S+') do redis.call('PEXPIRE', covered, ARGV[3]) end
return 1
`

/** Makes an allow (`KEYS[1]`) known under the other keys. `ARGV`: deadline, then for each key the allow's key, encrypted for it. */
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

/** Bars a request. `KEYS`: the bar, its user; `ARGV`: deadline, user, device, duration in ms. */
export const BAR = `${PRELUDE}${USER}
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4], 'PX', ARGV[4])
redis.call('HSET', KEYS[2], 'b' .. ARGV[3], after(tonumber(ARGV[4])))
keep(KEYS[2], tonumber(ARGV[4]))
return 1
`
