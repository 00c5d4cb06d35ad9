import { PRELUDE, USER } from './lua-prelude.js'

/** Gives a place back. `KEYS[1]`: the user; `ARGV`: deadline, server, place. The place is freed when no other server holds it. */
export const RELEASE = `${PRELUDE}${USER}
local key, field = KEYS[1], 'p' .. ARGV[3]
local found = redis.call('HGET', key, field)
local place = found and parse(ARGV[3], found)
if not place then return 0 end
place.nodes[ARGV[2]] = nil
if next(place.nodes) then redis.call('HSET', key, field, text(place)) else redis.call('HDEL', key, field) end
return 1
`
