"""What Redis itself runs: each script is one step that nothing else comes between, by Redis' own clock.

Of an account or a key (``llmrouter:ACCOUNT:KEY``, no key for the account) there are ``:requests``, a list of when those
of the last minute came; ``:running``, leases by when they end; ``:tokens:DAY``; and ``:spent:MONTH:CURRENCY`` in
billionths.
"""

from __future__ import annotations

CLOCK = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local day = math.floor(now / 86400)
-- The calendar, by whole days; years begin in March, so that a leap day is a year's last.
local z = day + 719468
local era = math.floor(z / 146097)
local doe = z - era * 146097
local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
local mp = math.floor((5 * (doe - 365 * yoe - math.floor(yoe / 4) + math.floor(yoe / 100)) + 2) / 153)
local month = string.format('%d-%02d', yoe + era * 400 + (mp >= 10 and 1 or 0), mp < 10 and mp + 3 or mp - 9)
"""

ADMIT = (
    CLOCK
    + """
local lease, lasts, at, reached, limits, readings = ARGV[1], tonumber(ARGV[2]), 0, '', {}, {}
local function is_over(used, limit) return limit ~= '' and tonumber(used) >= tonumber(limit) end
for i, key in ipairs(KEYS) do
  local requests, tokens, concurrent, hard, currency = ARGV[i + 2]:match('^(.*),(.*),(.*),(.*),(.*)$')
  limits[i] = {requests, concurrent}
  local begun, oldest, used, spent, running = 0, false, '0', '0', 0
  if requests ~= '' then
    oldest = redis.call('LINDEX', key .. ':requests', 0)
    while oldest and tonumber(oldest) <= now - 60 do
      redis.call('LPOP', key .. ':requests')
      oldest = redis.call('LINDEX', key .. ':requests', 0)
    end
    begun = redis.call('LLEN', key .. ':requests')
  end
  if tokens ~= '' then used = redis.call('GET', key .. ':tokens:' .. day) or '0' end
  if currency ~= '' then spent = redis.call('GET', key .. ':spent:' .. month .. ':' .. currency) or '0' end
  if concurrent ~= '' then
    redis.call('ZREMRANGEBYSCORE', key .. ':running', '-inf', now)
    running = redis.call('ZCARD', key .. ':running')
  end
  if at == 0 then
    reached = is_over(spent, hard) and 'budget' or is_over(used, tokens) and 'tokens'
      or is_over(begun, requests) and 'requests' or is_over(running, concurrent) and 'concurrent' or ''
    if reached ~= '' then at = i end
  end
  readings[i] = {begun, oldest or '', used, spent}
end
local written = string.format('%.6f', now)
for i, key in ipairs(at == 0 and KEYS or {}) do
  if limits[i][1] ~= '' then
    readings[i][1] = redis.call('RPUSH', key .. ':requests', written)
    readings[i][2] = readings[i][2] == '' and written or readings[i][2]
    redis.call('EXPIRE', key .. ':requests', 61)
  end
  if limits[i][2] ~= '' then
    redis.call('ZADD', key .. ':running', now + lasts, lease)
    redis.call('PEXPIRE', key .. ':running', math.ceil(lasts * 1000))
  end
end
for i, each in ipairs(readings) do readings[i] = table.concat(each, ',') end
return table.concat({written, at, reached, unpack(readings)}, ' ')
"""
)
"""KEYS: who is asked. ARGV: a lease and the seconds it lasts, then of each its limits with commas between (empty:
none): requests, tokens, concurrent, hard budget in billionths, currency. Returns one text, which is read much faster
than a table: now, the one that objects (0: none), to what, and of each requests, the oldest's time, tokens, money."""

SETTLE = (
    CLOCK
    + """
local batch, found = cjson.decode(ARGV[1]), {}
for _, each in ipairs(batch.extend) do
  redis.call('ZADD', each[1] .. ':running', now + batch.lasts, each[2])
  redis.call('PEXPIRE', each[1] .. ':running', math.ceil(batch.lasts * 1000))
end
for _, each in ipairs(batch.release) do redis.call('ZREM', each[1] .. ':running', each[2]) end
-- A batch comes again where its answer was lost: it counts once.
local fresh = redis.call('GET', KEYS[1]) ~= batch.id
redis.call('SET', KEYS[1], batch.id, 'EX', 172800)
for _, each in ipairs(batch.tokens) do
  local key = each[1] .. ':tokens:' .. day
  if fresh then redis.call('INCRBY', key, each[2]) end
  redis.call('EXPIRE', key, 172800)
end
for i, each in ipairs(batch.spent) do
  local prefix, currency, amount, lines = unpack(each)
  local key = prefix .. ':spent:' .. month .. ':' .. currency
  if fresh then redis.call('INCRBY', key, amount) end
  redis.call('EXPIRE', key, 8640000)
  local total, crossed = redis.call('GET', key) or '0', {}
  for _, line in ipairs(lines) do
    local said = prefix .. ':said:' .. month .. ':' .. line[1] .. ':' .. line[2] .. ':' .. currency
    if tonumber(total) >= tonumber(line[2]) and redis.call('SET', said, 1, 'NX', 'EX', 8640000) then
      crossed[#crossed + 1] = line[1]
    end
  end
  found[i] = {total, month, crossed}
end
return found
"""
)
"""KEYS: where the last batch of this process is remembered. ARGV: the batch. Returns of everyone who spent something:
the total, the month, and the lines that it crossed first."""
