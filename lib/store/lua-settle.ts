import { PRELUDE, USER } from './lua-prelude.js'

/**
 * Decides who goes for a newcomer, half a second after it has begun. `KEYS[1]`: the user; `ARGV`: deadline, node, place,
 * policy, bar in ms, lease in ms, who takes the place, the prefix of the nodes' channels. Returns the places that are lost, flat: id,
 * rule, others, begin. Those of other nodes are told by message, and all are marked for whoever misses it.
 *
 * By the rules 1 to 3 only those go who were there before. By the policy all go who are over, newer ones included, so that a
 * user whose devices keep coming is over for half a second at most, and not as long as they come.
 * Without a place (an empty id) the user's newest is the newcomer: after an outage, places turn up in any order.
 */
export const SETTLE = `${PRELUDE}${USER}
local key, node, policy, bar, lease = KEYS[1], ARGV[2], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local who, channel = ARGV[7], ARGV[8]
local user = load(key)
local newcomer = user.places[ARGV[3]]
if ARGV[3] == '' then
  for _, place in pairs(user.places) do
    if not newcomer or older(newcomer, place) then newcomer = place end
  end
end
if not newcomer then return {} end
local old = {}
for _, place in pairs(user.places) do old[#old + 1] = place end
local over = user.count - newcomer.limit
if over <= 0 then return {} end
local lost = {}
for _, candidate in ipairs(policy == 'free' and {} or candidates(user, newcomer)) do
  if #lost < over then
    lost[#lost + 1] = candidate
    candidate.place.lost = true
  end
end
if #lost < over then
  local barred = user.b[newcomer.device]
  if barred or policy ~= 'endOldest' then
    lost[#lost + 1] = { place = newcomer, rule = barred and 'bar' or 'denyNew' }
  else
    table.sort(old, older)
    for _, place in ipairs(old) do
      if #lost < over and not place.lost then lost[#lost + 1] = { place = place, rule = 'endOldest' } end
    end
  end
end
local others = int(user.count - #lost)
local mark = math.max(bar, 2 * lease)
local result = {}
for _, each in ipairs(lost) do
  local place, rule = each.place, each.rule
  local begin = int(place.begin)
  redis.call('HDEL', key, 'p' .. place.id)
  redis.call('HSET', key, 'e' .. place.id, table.concat({ after(mark), rule, others, begin, who }, ' '))
  if rule == 'endOldest' or rule == 'bar' then
    redis.call('HSET', key, 'b' .. place.device, after(bar))
  elseif rule == 'reconnect' or rule == 'zap' then
    redis.call('HSET', key, 'z' .. place.device .. ' ' .. place.stream, after(1000))
  end
  for other in pairs(place.nodes) do
    if other ~= node then redis.call('PUBLISH', channel .. other, table.concat({ 'lost', place.id, rule, others, begin, who }, ' ')) end
  end
  for _, value in ipairs({ place.id, rule, others, begin }) do result[#result + 1] = value end
end
keep(key, mark)
return result
`
