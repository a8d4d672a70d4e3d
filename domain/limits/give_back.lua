-- Takes a use out of the entries of KEYS[1], if it is among them; ARGV[1] is its eight bytes.

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
