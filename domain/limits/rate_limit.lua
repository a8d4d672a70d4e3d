-- Sliding windows, looked at and counted in one step by this server's own clock. Begins where
-- `count.lua` ends.
--
-- KEYS: for each subject (the caller, their network) a string of entries, the oldest first: the
--   microsecond it counts from, as a double, and eight bytes that name the use.
-- ARGV: those eight bytes, how many permits are wanted (0 only looks), the label to count under,
--   the caller's id and network (or nothing), to see what is strange; then for each subject who
--   it is and its windows, the shortest first: a limit and a length in seconds, four bytes each.
-- Answers: permits granted, then for each window what remains and in how many microseconds one
--   more is free.

local SIZE = 16
local unpack_one = struct.unpack

local now = microseconds()
local name, wanted = ARGV[1], tonumber(ARGV[2])
local held = redis.call('MGET', unpack(KEYS))

local function at(entries, place)
  return (unpack_one('>d', entries, place * SIZE + 1))
end

-- How many entries from the end on count from later than `moment`.
local function later_than(entries, number, moment)
  local low, high = 0, number
  while low < high do
    local middle = math.floor((low + high) / 2)
    if at(entries, middle) > moment then high = middle else low = middle + 1 end
  end
  return number - low
end

-- Should the clock have been set back, what was counted "later" counts from now.
local function set_back(entries, number, latest)
  local kept = {}
  for place = 0, number - 1 do
    local moment = math.min(at(entries, place), latest)
    kept[#kept + 1] = struct.pack('>d', moment) .. entries:sub(place * SIZE + 9, place * SIZE + 16)
  end
  return table.concat(kept)
end

local subjects, windows, least = {}, {}, nil
for place = 1, #KEYS do
  local packed = ARGV[5 + 2 * place]
  local count = #packed / 8
  local longest = unpack_one('>I4', packed, 8 * count - 3) * 1000000
  local entries = held[place] or ''
  local number = #entries / SIZE
  if number > 0 and at(entries, number - 1) > now + HOLD_US then
    entries = set_back(entries, number, now)
  end
  local inside = later_than(entries, number, now - longest)
  if inside < number then
    entries = entries:sub((number - inside) * SIZE + 1)
    number = inside
  end
  subjects[place] = {entries, number, longest}
  for index = 1, count do
    local limit, length = unpack_one('>I4I4', packed, 8 * index - 7)
    local used = number
    if index < count then used = later_than(entries, number, now - length * 1000000) end
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
    local from = now
    if granted > 1 then from = now + HOLD_US end
    if number > 0 then from = math.max(from, at(entries, number - 1)) end
    entries = entries .. string.rep(struct.pack('>d', from) .. name, granted)
    subject[1], subject[2] = entries, number + granted
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
    reset = at(subject[1], subject[2] - math.min(used, limit)) + window[4] - now
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
