import { PRELUDE, USER } from './lua-prelude.js'

/**
 * Decides which places end for a newcomer, half a second after its begin. `KEYS[1]`: the user; `ARGV`: deadline,
 * server, place, policy, bar in ms, lease in ms, who takes the place, prefix of the servers' channels. Returns for each
 * lost place: id, rule, others, begin, and 1 if the newcomer has it. Other servers are told by message, and marks are
 * kept for those that miss it.
 *
 * Later newcomers are judged along with this one, so that a user whose devices keep coming is over its limit for half a
 * second at most: by the rules reconnect and zap, which concern only their own device, then by the policy. A place lost
 * by those rules is lost to its own device, whose address and user agent its server knows; who is then empty. With an
 * empty place id the user's newest is the newcomer: after an outage, places appear in any order.
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
local newer = {}
for _, place in pairs(user.places) do
  if older(newcomer, place) then newer[#newer + 1] = place end
end
table.sort(newer, older)
for _, each in ipairs(newer) do
  if not each.lost then
    for _, candidate in ipairs(candidates(user, each)) do
      if #lost < over and candidate.rule ~= 'gone' and not candidate.place.lost then
        candidate.own = true
        lost[#lost + 1] = candidate
        candidate.place.lost = true
      end
    end
  end
end
table.sort(old, older)
local function lose(place, rule)
  if #lost < over and not place.lost then
    lost[#lost + 1] = { place = place, rule = rule }
    place.lost = true
  end
end
-- After an outage nobody may judge the user again, so all who may not stay go now, from the newest on.
local judged = { newcomer }
if ARGV[3] == '' then
  judged = {}
  for at = #old, 1, -1 do judged[#judged + 1] = old[at] end
end
for _, place in ipairs(judged) do
  if #lost >= over then break end
  if not place.lost then
    local barred = user.b[place.device]
    if not barred and policy == 'endOldest' then
      for _, oldest in ipairs(old) do lose(oldest, 'endOldest') end
    else
      lose(place, barred and 'bar' or 'denyNew')
    end
  end
end
local others = int(user.count - #lost)
local mark = math.max(bar, 2 * lease)
local result = {}
for _, each in ipairs(lost) do
  local place, rule, by = each.place, each.rule, each.own and '' or who
  local begin = int(place.begin)
  redis.call('HDEL', key, 'p' .. place.id)
  redis.call('HSET', key, 'e' .. place.id, table.concat({ after(mark), rule, others, begin, by }, ' '))
  if rule == 'endOldest' or rule == 'bar' then
    redis.call('HSET', key, 'b' .. place.device, after(bar))
  elseif rule == 'reconnect' or rule == 'zap' then
    redis.call('HSET', key, 'z' .. place.device .. ' ' .. place.stream, after(1000))
  end
  for other in pairs(place.nodes) do
    if other ~= node then redis.call('PUBLISH', channel .. other, table.concat({ 'lost', place.id, rule, others, begin, by }, ' ')) end
  end
  for _, value in ipairs({ place.id, rule, others, begin, each.own and '0' or '1' }) do result[#result + 1] = value end
end
keep(key, mark)
return result
`
