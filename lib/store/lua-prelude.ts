/**
 * The beginning of every script. Times are the store's own, in microseconds. A script whose deadline (`ARGV[1]`, 0 for
 * none) has passed does nothing: commands that lay in a stopped store's socket must not take effect later.
 */
export const PRELUDE = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local deadline = tonumber(ARGV[1])
if deadline > 0 and now > deadline then return redis.error_reply('LATE its caller has given up') end
local function int(number) return string.format('%.0f', number) end
local function after(ms) return int(now + ms * 1000) end
`

/**
 * A user: one hash, whose fields are
 *   p<place>            device stream begin seen goneMs limit node=until,node=until
 *   e<place>            until rule others begin who      the place was lost; kept until every node must have seen it
 *   b<device>           until                            barred: the policy ended it
 *   z<device> <stream>  until                            rule 1 or 3 has just ended it there
 *   c<device>           until count                      how often it came back to where it had just been ended
 * The key lives as long as the longest of them.
 */
export const USER = `
local function keep(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, int(ms)) end
end
local function parse(id, text)
  local device, stream, begin, seen, gone, limit, nodes =
    text:match('^(%S+) (%S+) (%d+) (%d+) (%S+) (%d+) (%S*)$')
  if not device then return nil end
  local place = { id = id, device = device, stream = stream, begin = tonumber(begin), seen = tonumber(seen),
    gone = tonumber(gone), limit = tonumber(limit), nodes = {}, alive = false }
  for node, over in nodes:gmatch('([^=,]+)=(%d+)') do
    if tonumber(over) > now then
      place.nodes[node] = over
      place.alive = true
    end
  end
  return place
end
local function text(place)
  local nodes = {}
  for node, over in pairs(place.nodes) do nodes[#nodes + 1] = node .. '=' .. over end
  return table.concat({ place.device, place.stream, int(place.begin), int(place.seen), int(place.gone), int(place.limit), table.concat(nodes, ',') }, ' ')
end
local function delete(key, fields)
  for from = 1, #fields, 1000 do
    redis.call('HDEL', key, unpack(fields, from, math.min(from + 999, #fields)))
  end
end
local function load(key)
  local user = { places = {}, count = 0, e = {}, b = {}, z = {}, c = {} }
  local over = {}
  local flat = redis.call('HGETALL', key)
  for at = 1, #flat, 2 do
    local kind, name = flat[at]:sub(1, 1), flat[at]:sub(2)
    if kind == 'p' then
      local place = parse(name, flat[at + 1])
      if place and place.alive then
        user.places[name] = place
        user.count = user.count + 1
      else
        over[#over + 1] = flat[at]
      end
    elseif tonumber(flat[at + 1]:match('^%d+')) > now then
      user[kind][name] = flat[at + 1]
    else
      over[#over + 1] = flat[at]
    end
  end
  delete(key, over)
  return user
end
local function older(a, b)
  if a.begin ~= b.begin then return a.begin < b.begin end
  return a.id < b.id
end
local function quieter(a, b)
  if a.seen ~= b.seen then return a.seen < b.seen end
  return older(a, b)
end
-- A device that comes back again and again to where rule 1 or 3 has just ended it is two that look alike.
local function lookalike(user, device)
  local count = user.c[device]
  return count and tonumber(count:match(' (%d+)$')) > 5
end
-- Who may go for a newcomer by the rules 1 to 3, in their order; each with its rule.
local function candidates(user, newcomer)
  local lists = { {}, {}, {} }
  local alike = lookalike(user, newcomer.device)
  for id, place in pairs(user.places) do
    if id ~= newcomer.id and (not newcomer.begin or older(place, newcomer)) then
      local same = place.device == newcomer.device
      if same and place.stream == newcomer.stream and not alike then
        table.insert(lists[1], place)
      elseif place.gone >= 0 and now - place.seen >= place.gone * 1000 then
        table.insert(lists[2], place)
      elseif same and not alike then
        table.insert(lists[3], place)
      end
    end
  end
  table.sort(lists[1], older)
  table.sort(lists[2], quieter)
  table.sort(lists[3], quieter)
  local found = {}
  for rule, name in ipairs({ 'reconnect', 'gone', 'zap' }) do
    for _, place in ipairs(lists[rule]) do found[#found + 1] = { place = place, rule = name } end
  end
  return found
end
`
