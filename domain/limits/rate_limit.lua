-- Sliding windows, looked at and counted in one step by this server's own clock. Begins where
-- `count.lua` ends.
--
-- KEYS: for each subject (the caller, their network) a string of entries, the oldest first, and how
--   many uses there were with all of them. An entry is the microsecond it counts from, as a double,
--   how many uses there were before it, and eight bytes that name the use; permits that are granted
--   together are one. Uses are told in four bytes, and counted from nought again when they overflow.
-- ARGV: those eight bytes, how many permits are wanted (0 only looks), the label to count under,
--   the caller's id and network (or nothing), to see what is strange; then for each subject who
--   it is and its windows, the shortest first: a limit and a length in seconds, four bytes each.
-- Answers: permits granted, then for each window what remains and in how many microseconds one
--   more is free.

local SIZE, OVERFLOW = 20, 4294967296
local unpack_one = struct.unpack

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local name, wanted = ARGV[1], tonumber(ARGV[2])
local held = redis.call('MGET', unpack(KEYS))

local function at(entries, place)
  return (unpack_one('>d', entries, place * SIZE + 1))
end

-- How many uses there were before the entry at a place, or with all entries.
local function before(entries, place)
  return (unpack_one('>I4', entries, place == (#entries - 4) / SIZE and #entries - 3 or place * SIZE + 9))
end

-- The first of so many entries that counts from later than `moment`.
local function first_after(entries, number, moment)
  local low, high = 0, number
  while low < high do
    local middle = math.floor((low + high) / 2)
    if at(entries, middle) > moment then high = middle else low = middle + 1 end
  end
  return low
end

-- How many uses lie in the entries from a place on.
local function uses_from(entries, number, place)
  if number == 0 then return 0 end
  return (before(entries, number) - before(entries, place)) % OVERFLOW
end

-- The moment from which the last but so many uses counts.
local function at_last_but(entries, number, uses)
  local low, high = 0, number - 1
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if uses_from(entries, number, middle) >= uses then low = middle else high = middle - 1 end
  end
  return at(entries, low)
end

-- Should the clock have been set back, what was counted "later" counts from now.
local function set_back(entries, number, latest)
  local kept = {}
  for place = 0, number - 1 do
    local moment = math.min(at(entries, place), latest)
    kept[#kept + 1] = struct.pack('>d', moment) .. entries:sub(place * SIZE + 9, place * SIZE + SIZE)
  end
  return table.concat(kept) .. entries:sub(-4)
end

local subjects, windows, least = {}, {}, nil
for place = 1, #KEYS do
  local packed = ARGV[5 + 2 * place]
  local count = #packed / 8
  local longest = unpack_one('>I4', packed, 8 * count - 3) * 1000000
  local entries = held[place] or ''
  local number = math.max(0, (#entries - 4) / SIZE)
  if number > 0 and at(entries, number - 1) > now + HOLD_US then
    entries = set_back(entries, number, now)
  end
  local outside = first_after(entries, number, now - longest)
  if outside > 0 then
    entries = entries:sub(outside * SIZE + 1)
    number = number - outside
  end
  subjects[place] = {entries, number, longest}
  for index = 1, count do
    local limit, length = unpack_one('>I4I4', packed, 8 * index - 7)
    local from = 0
    if index < count then from = first_after(entries, number, now - length * 1000000) end
    local used = uses_from(entries, number, from)
    windows[#windows + 1] = {place, index, limit, length * 1000000, used}
    if not least or limit - used < least then least = limit - used end
  end
end

local granted = 0
if wanted > 0 and least > 0 then
  granted = 1
  -- The less there is left, the smaller the share that one process may hold.
  if wanted > 1 then granted = math.max(1, math.min(wanted, math.floor(least / 8))) end
end
if granted > 0 then
  for place, subject in ipairs(subjects) do
    local entries, number, longest = subject[1], subject[2], subject[3]
    local from, uses = now, 0
    if granted > 1 then from = now + HOLD_US end
    if number > 0 then
      from = math.max(from, at(entries, number - 1))
      uses = before(entries, number)
    end
    entries = entries:sub(1, number * SIZE)
      .. struct.pack('>dI4', from, uses) .. name .. struct.pack('>I4', (uses + granted) % OVERFLOW)
    subject[1], subject[2] = entries, number + 1
    local lives_ms = math.ceil((from - now + longest) / 1000)
    redis.call('SET', KEYS[place], entries, 'PX', lives_ms)
  end
end

local answer, full = {granted}, nil
for _, window in ipairs(windows) do
  local subject, limit, used = subjects[window[1]], window[3], window[5] + granted
  local reset = 0
  if used > 0 then
    -- The permit whose end makes room: the oldest, or the one that fills the window.
    reset = at_last_but(subject[1], subject[2], math.min(used, limit)) + window[4] - now
  end
  answer[#answer + 1] = math.max(0, limit - used)
  answer[#answer + 1] = reset
  if used >= limit and (not full or reset > full[1]) then full = {reset, window} end
end
if wanted == 0 then return answer end

local function notice(kind, subject, seen)
  local first = redis.call('SET', 'suspicious:' .. subject, kind, 'EX', SUSPICIOUS_S, 'NX')
  if first and redis.call('HLEN', 'limits:anomalies') < ANOMALIES_AT_MOST then
    local noticed = kind .. '|' .. subject .. '|' .. string.format('%d', now)
    redis.call('HSET', 'limits:anomalies', noticed, seen)
    redis.call('EXPIRE', 'limits:anomalies', COUNTS_KEPT_S)
  end
end

-- A set that starts anew when it has as many as are strange: it never grows further.
local function gather(kind, subject, other, strange)
  local key = kind .. ':' .. subject
  if redis.call('SADD', key, other) == 0 then return end
  local seen = redis.call('SCARD', key)
  if seen == 1 then redis.call('EXPIRE', key, LOOK_BACK_S) end
  if seen >= strange then
    notice(kind, subject, seen)
    redis.call('DEL', key)
  end
end

local function burst(subject, strange)
  local key = 'refusals:' .. subject
  local seen = redis.call('INCR', key)
  if seen == 1 then redis.call('EXPIRE', key, LOOK_BACK_S) end
  if seen == strange then notice('refusals', subject, seen) end
end

local label, identity, network = ARGV[3], ARGV[4], ARGV[5]
if granted > 0 then
  count(now, label .. '|admitted', granted)
else
  count(now, label .. '|' .. ARGV[4 + 2 * full[2][1]] .. '|' .. full[2][2], 1)
  if identity ~= '' then burst(identity, REFUSALS_OF_ONE) end
  if network ~= '' then burst(network, REFUSALS_OF_NETWORK) end
end
if label:sub(1, 9) == 'generate|' and identity ~= '' and network ~= '' then
  gather('identities', network, identity, IDENTITIES)
  -- One that is refused at its first use is not remembered, so nobody fills this with names.
  if subjects[1][2] > 0 then gather('networks', identity, network, NETWORKS) end
end
return answer
