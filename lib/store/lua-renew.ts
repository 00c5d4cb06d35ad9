import { PRELUDE, USER } from './lua-prelude.js'

/** A begin that is off by more is by another clock, in milliseconds: no command is under way for so long. */
const CLOCK_SET_MS = 10_000
/** Values per place in `ARGV`. */
export const RENEW_FIELDS = 10

/**
 * Renews a server's places of many users. `KEYS`: the users; `ARGV`: deadline, server, lease in ms, bar in ms, then for
 * each place: index of the key, id, device, stream, age, quiet, goneMs, limit, 1 if the server does not know whether
 * there were too many, and the begin as the store gave it, if it did. A lost place stays lost and is returned as `lost`, id, rule, others, begin, who; a
 * missing one is added, and returned as `begin`, id, begin; and as `over`, id if there may be too many.
 *
 * The age is off by as long as the command was under way, which may turn the order of places round. So the begin that the
 * store gave counts, unless its clock has been set meanwhile.
 */
export const RENEW = `${PRELUDE}${USER}
local node, lease, bar = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local result, added = {}, {}
local function beginOf(age, given)
  local reckoned = now - tonumber(age) * 1000
  given = tonumber(given)
  return given and math.abs(given - reckoned) < ${CLOCK_SET_MS} * 1000 and given or reckoned
end
for at = 5, #ARGV, ${RENEW_FIELDS} do
  local key, id, seen = KEYS[tonumber(ARGV[at])], ARGV[at + 1], now - tonumber(ARGV[at + 5]) * 1000
  local found = redis.call('HMGET', key, 'p' .. id, 'e' .. id)
  local place = found[1] and parse(id, found[1])
  local mark = found[2] and { found[2]:match('^(%d+) (%S+) (%d+) (%d+) (.*)$') }
  if mark and mark[1] and tonumber(mark[1]) > now and not place then
    for _, value in ipairs({ 'lost', id, mark[2], mark[3], mark[4], mark[5] }) do result[#result + 1] = value end
  else
    if not place then
      place = { id = id, device = ARGV[at + 2], stream = ARGV[at + 3], begin = beginOf(ARGV[at + 4], ARGV[at + 9]), seen = seen, nodes = {} }
      added[#added + 1] = { key = key, id = id, limit = tonumber(ARGV[at + 7]) }
      for _, value in ipairs({ 'begin', id, int(place.begin) }) do result[#result + 1] = value end
    elseif ARGV[at + 8] == '1' then
      added[#added + 1] = { key = key, id = id, limit = place.limit }
    end
    place.seen = math.max(place.seen, seen)
    place.gone = tonumber(ARGV[at + 6])
    place.limit = place.limit or tonumber(ARGV[at + 7])
    place.nodes[node] = after(lease)
    redis.call('HSET', key, 'p' .. id, text(place))
    keep(key, math.max(lease, bar))
  end
end
for _, place in ipairs(added) do
  if redis.call('HLEN', place.key) > place.limit then
    result[#result + 1] = 'over'
    result[#result + 1] = place.id
  end
end
return result
`
