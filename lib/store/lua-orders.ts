import { PRELUDE } from './lua-prelude.js'

/** How long orders to all servers are kept for one that missed the message, in milliseconds; and how many at most. */
const KEPT_MS = 60_000
const KEPT = 1000

/**
 * Tells all servers something. `KEYS`: the list of orders, then the allows to forget; `ARGV`: deadline, channel, order. Returns when.
 */
export const ORDER = `${PRELUDE}
for at = 2, #KEYS do redis.call('DEL', KEYS[at]) end
local order = int(now) .. ' ' .. ARGV[3]
redis.call('ZADD', KEYS[1], int(now), order)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(now - ${KEPT_MS} * 1000))
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -${KEPT + 1})
redis.call('PEXPIRE', KEYS[1], ${KEPT_MS})
redis.call('PUBLISH', ARGV[2], order)
return int(now)
`

/**
 * A node's sign of life. `KEYS`: the nodes, the orders; `ARGV`: deadline, node, lease in ms, fingerprint, the newest order that it has heard
 * (0: it is new). Returns the store's time, how many nodes there are, the orders since, and the fingerprints of the others.
 * Writes on purpose: a store that can only be read is away.
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
