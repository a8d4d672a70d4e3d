-- Removes the use with the 8-byte id ARGV[1] from the log in KEYS[1]; see `rate_limit.lua` for the
-- format. Returns 1 if it was there, else 0.

local SIZE, OVERFLOW = 20, 4294967296
local entries = redis.call('GET', KEYS[1]) or ''
local kept, given_back = {}, 0
local function less(start)
  return struct.pack('>I4', (struct.unpack('>I4', entries, start) - given_back) % OVERFLOW)
end
for start = 1, #entries - 4, SIZE do
  if given_back == 0 and entries:sub(start + 12, start + 19) == ARGV[1] then
    given_back = 1
  else
    kept[#kept + 1] = entries:sub(start, start + 7) .. less(start + 8) .. entries:sub(start + 12, start + 19)
  end
end
if given_back == 1 then
  redis.call('SET', KEYS[1], table.concat(kept) .. less(#entries - 3), 'KEEPTTL')
end
return given_back
