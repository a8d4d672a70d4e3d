-- Sliding-window rate limits, decided and counted in one atomic step by the server's clock. Runs
-- after `count.lua` and `anomalies.lua`, in one script with them: a second script would cost a
-- second command for each use.
--
-- KEYS: for each subject (the caller, their network) its log of uses, oldest first.
--   Entry: >d time it counts from in microseconds, >I4 cumulative uses before it (wraps at 2^32),
--   8-byte id. Permits granted together are one entry. A trailing >I4 holds the total.
-- ARGV: 1 the 8-byte id; 2 permits wanted (0 only reads); 3 the label for the counts; 4 the caller's
--   id and 5 the network (or empty), for anomalies; then for each subject `caller` or `network` and
--   its windows, shortest first, as >I4 limit and >I4 length in seconds.
-- Returns: permits granted; then for each window the remaining uses and the microseconds until one
--   more is free.

local SIZE, OVERFLOW = 20, 4294967296
local unpack_one = struct.unpack

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local id, wanted = ARGV[1], tonumber(ARGV[2])
local logs = redis.call('MGET', unpack(KEYS))

-- The time that the entry at an index (from 0) counts from.
local function time_at(entries, index)
  return (unpack_one('>d', entries, index * SIZE + 1))
end

-- The cumulative uses before the entry at an index; the total when the index is past the last one.
local function uses_before(entries, index)
  return (unpack_one('>I4', entries, index == (#entries - 4) / SIZE and #entries - 3 or index * SIZE + 9))
end

-- The index of the first entry that counts from later than `moment`.
local function first_after(entries, length, moment)
  local low, high = 0, length
  while low < high do
    local middle = math.floor((low + high) / 2)
    if time_at(entries, middle) > moment then high = middle else low = middle + 1 end
  end
  return low
end

-- The uses in the entries from an index on.
local function uses_from(entries, length, index)
  if length == 0 then return 0 end
  return (uses_before(entries, length) - uses_before(entries, index)) % OVERFLOW
end

-- The time of the entry that holds the n-th use counted from the newest.
local function time_of_newest(entries, length, n)
  local low, high = 0, length - 1
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if uses_from(entries, length, middle) >= n then low = middle else high = middle - 1 end
  end
  return time_at(entries, low)
end

-- Limits all times to `latest`, for the case that the server's clock was set back.
local function clamp_times(entries, length, latest)
  local clamped = {}
  for index = 0, length - 1 do
    local moment = math.min(time_at(entries, index), latest)
    clamped[#clamped + 1] = struct.pack('>d', moment) .. entries:sub(index * SIZE + 9, index * SIZE + SIZE)
  end
  return table.concat(clamped) .. entries:sub(-4)
end

local subjects, windows, least = {}, {}, nil
for subject = 1, #KEYS do
  local packed = ARGV[5 + 2 * subject]
  local count = #packed / 8
  local longest = unpack_one('>I4', packed, 8 * count - 3) * 1000000
  local entries = logs[subject] or ''
  local length = math.max(0, (#entries - 4) / SIZE)
  if length > 0 and time_at(entries, length - 1) > now + HOLD_US then
    entries = clamp_times(entries, length, now)
  end
  local expired = first_after(entries, length, now - longest)
  if expired > 0 then
    entries = entries:sub(expired * SIZE + 1)
    length = length - expired
  end
  subjects[subject] = {entries, length, longest}
  for index = 1, count do
    local limit, window_s = unpack_one('>I4I4', packed, 8 * index - 7)
    local from = 0
    if index < count then from = first_after(entries, length, now - window_s * 1000000) end
    local used = uses_from(entries, length, from)
    windows[#windows + 1] = {subject, index, limit, window_s * 1000000, used}
    if not least or limit - used < least then least = limit - used end
  end
end

local granted = 0
if wanted > 0 and least > 0 then
  granted = 1
  -- The fewer uses are left, the fewer permits one process can cache.
  if wanted > 1 then granted = math.max(1, math.min(wanted, math.floor(least / 8))) end
end
if granted > 0 then
  for key, subject in ipairs(subjects) do
    local entries, length, longest = subject[1], subject[2], subject[3]
    local from, uses = now, 0
    if granted > 1 then from = now + HOLD_US end
    if length > 0 then
      from = math.max(from, time_at(entries, length - 1))
      uses = uses_before(entries, length)
    end
    entries = entries:sub(1, length * SIZE)
      .. struct.pack('>dI4', from, uses) .. id .. struct.pack('>I4', (uses + granted) % OVERFLOW)
    subject[1], subject[2] = entries, length + 1
    local expires_ms = math.ceil((from - now + longest) / 1000)
    redis.call('SET', KEYS[key], entries, 'PX', expires_ms)
  end
end

local reply, full = {granted}, nil
for _, window in ipairs(windows) do
  local subject, limit, used = subjects[window[1]], window[3], window[5] + granted
  local reset = 0
  if used > 0 then
    -- The use that frees a place when it leaves the window.
    reset = time_of_newest(subject[1], subject[2], math.min(used, limit)) + window[4] - now
  end
  reply[#reply + 1] = math.max(0, limit - used)
  reply[#reply + 1] = reset
  if used >= limit and (not full or reset > full[1]) then full = {reset, window} end
end
if wanted == 0 then return reply end

local label, identity, network = ARGV[3], ARGV[4], ARGV[5]
if granted > 0 then
  count(now, label .. '|admitted', granted)
else
  count(now, label .. '|' .. ARGV[4 + 2 * full[2][1]] .. '|' .. full[2][2], 1)
  if identity ~= '' then count_refusal(now, identity, REFUSALS_OF_ONE) end
  if network ~= '' then count_refusal(now, network, REFUSALS_OF_NETWORK) end
end
if label:sub(1, 9) == 'generate|' and identity ~= '' and network ~= '' then
  count_distinct(now, 'identities', network, identity, IDENTITIES)
  -- Not for an identity whose first use is refused: made-up identities would fill the memory.
  if subjects[1][2] > 0 then count_distinct(now, 'networks', identity, network, NETWORKS) end
end
return reply
