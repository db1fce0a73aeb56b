-- Makes one fact a numbered message, or nothing when its job has gone past it.
-- KEYS: job, number, state, history
-- ARGV: channel, job id, phase (waiting | running | ended), progress, number floor, progress mark, number mark, message,
--       retention in seconds, length of the history, message with all that only listeners get (empty when that is all the same)
local seen = redis.call('HMGET', KEYS[1], 'phase', 'progress')
if seen[1] == 'ended' then return 0 end
if ARGV[3] == 'waiting' and seen[1] then return 0 end

local progress = math.max(tonumber(seen[2] or '0'), tonumber(ARGV[4]))
local number = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), tonumber(ARGV[5])) + 1
-- As decimals: Lua writes large numbers with an exponent.
local digits = string.format('%.0f', number)
local message = ARGV[8]:gsub(ARGV[6], string.format('%d', progress)):gsub(ARGV[7], digits)

redis.call('HSET', KEYS[1], 'phase', ARGV[3], 'progress', progress)
redis.call('SET', KEYS[2], digits)
-- A new job takes the place of those that have ended.
if ARGV[3] == 'waiting' then
  local fields = redis.call('HGETALL', KEYS[3])
  for index = 1, #fields, 2 do
    if fields[index + 1]:sub(1, 1) == 'e' then redis.call('HDEL', KEYS[3], fields[index]) end
  end
end
redis.call('HSET', KEYS[3], ARGV[2], (ARGV[3] == 'ended' and 'e' or 'r') .. message)
-- After a loss of data the history may hold a higher id than the number; then it begins anew.
if not pcall(redis.call, 'XADD', KEYS[4], 'MAXLEN', '~', ARGV[10], digits .. '-0', 'm', message) then
  redis.call('DEL', KEYS[4])
  redis.call('XADD', KEYS[4], digits .. '-0', 'm', message)
end
for index = 1, 4 do redis.call('EXPIRE', KEYS[index], ARGV[9]) end
local live = message
if ARGV[11] ~= '' then
  live = ARGV[11]:gsub(ARGV[6], string.format('%d', progress)):gsub(ARGV[7], digits)
end
redis.call('PUBLISH', ARGV[1], live)
return number
