-- Detects anomalies as uses are counted, after `count.lua`; see `anomalies.py` for the thresholds.

-- Marks a subject as suspicious and, if it was not, leaves the anomaly for a job.
local function report(now, kind, subject, observed)
  local first = redis.call('SET', 'suspicious:' .. subject, kind, 'EX', SUSPICIOUS_S, 'NX')
  if first and redis.call('HLEN', 'limits:anomalies') < ANOMALIES_AT_MOST then
    local anomaly = kind .. '|' .. subject .. '|' .. string.format('%d', now)
    redis.call('HSET', 'limits:anomalies', anomaly, observed)
    redis.call('EXPIRE', 'limits:anomalies', COUNTS_KEPT_S)
  end
end

-- Counts the distinct others of a subject. The set is deleted at the threshold, which bounds it.
local function count_distinct(now, kind, subject, other, threshold)
  local key = kind .. ':' .. subject
  if redis.call('SADD', key, other) == 0 then return end
  local observed = redis.call('SCARD', key)
  if observed == 1 then redis.call('EXPIRE', key, LOOK_BACK_S) end
  if observed >= threshold then
    report(now, kind, subject, observed)
    redis.call('DEL', key)
  end
end

local function count_refusal(now, subject, threshold)
  local key = 'refusals:' .. subject
  local observed = redis.call('INCR', key)
  if observed == 1 then redis.call('EXPIRE', key, LOOK_BACK_S) end
  if observed == threshold then report(now, 'refusals', subject, observed) end
end

