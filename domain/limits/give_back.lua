-- Takes a use out of the entries of KEYS[1], if it is among them; ARGV[1] is its eight bytes.

local entries = redis.call('GET', KEYS[1]) or ''
for place = 1, #entries, 16 do
  if entries:sub(place + 8, place + 15) == ARGV[1] then
    redis.call('SET', KEYS[1], entries:sub(1, place - 1) .. entries:sub(place + 16), 'KEEPTTL')
    return 1
  end
end
return 0
