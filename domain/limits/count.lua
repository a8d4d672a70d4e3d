-- Counts per minute of the server's clock, which a job moves to Postgres. Prepended to the scripts
-- that count.

local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function count(now, field, number)
  local minute = string.format('%d', math.floor(now / 60000000) * 60)
  if redis.call('HINCRBY', 'limits:minute:' .. minute, field, number) == number then
    redis.call('EXPIRE', 'limits:minute:' .. minute, COUNTS_KEPT_S)
    redis.call('SADD', 'limits:minutes', minute)
    redis.call('EXPIRE', 'limits:minutes', COUNTS_KEPT_S)
  end
end

