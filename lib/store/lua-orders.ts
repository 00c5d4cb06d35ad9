import { PRELUDE } from './lua-prelude.js'

/** How long orders are kept for servers that missed the message, in milliseconds; and how many at most. */
const KEPT_MS = 60_000
const KEPT = 1000

/**
 * Sends an order to all servers. `KEYS`: the list of orders, the key that lives as long as any allow, the allows to
 * forget, the marks of closed viewers; `ARGV`: deadline, channel, order, number of allows. Returns its time.
 */
export const ORDER = `${PRELUDE}
local firstMark, marksMs = 3 + tonumber(ARGV[4]), redis.call('PTTL', KEYS[2])
for at = 3, #KEYS do
  if at < firstMark then redis.call('DEL', KEYS[at])
  elseif marksMs > 0 then redis.call('SET', KEYS[at], int(now), 'PX', marksMs) end
end
local order = int(now) .. ' ' .. ARGV[3]
redis.call('ZADD', KEYS[1], int(now), order)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(now - ${KEPT_MS} * 1000))
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -${KEPT + 1})
redis.call('PEXPIRE', KEYS[1], ${KEPT_MS})
redis.call('PUBLISH', ARGV[2], order)
return int(now)
`

/**
 * A heartbeat. `KEYS`: the servers, the orders; `ARGV`: deadline, server, lease in ms, fingerprint, time of the newest
 * order it has heard (0: it is new). Returns the store's time, the number of servers, the orders since then, and the
 * others' fingerprints. Writes on purpose: a read-only store counts as away.
 */
export const HELLO = `${PRELUDE}
local nodes, orders, since = KEYS[1], KEYS[2], tonumber(ARGV[5])
redis.call('HSET', nodes, ARGV[2], after(tonumber(ARGV[3])) .. ' ' .. ARGV[4])
redis.call('PEXPIRE', nodes, ARGV[3])
local count, others, known = 0, {}, {}
local flat = redis.call('HGETALL', nodes)
for at = 1, #flat, 2 do
  local over, fingerprint = flat[at + 1]:match('^(%d+) (.*)$')
  if not over or tonumber(over) <= now then
    redis.call('HDEL', nodes, flat[at])
  else
    count = count + 1
    if not known[fingerprint] then
      known[fingerprint] = true
      others[#others + 1] = fingerprint
    end
  end
end
local missed = {}
if since > 0 then missed = redis.call('ZRANGEBYSCORE', orders, '(' .. int(since), '+inf') end
return { int(now), count, missed, others }
`
