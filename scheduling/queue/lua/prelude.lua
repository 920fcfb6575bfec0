-- Shared functions. Every script starts with this file.
--
-- semantic_queue.py writes two definitions before it: the names of KEYS (STATE, JOBS, ...), and
-- split_record(text), so that the order of keys and of record fields is stated in Python only.
--
-- KEYS  STATE     hash    policy, bounded, cap, swept, epoch, rev, policy_rev; `damaged` if a
--                         script found an inconsistent entry, until `mend` has run
--       JOBS      hash    id -> record: a request with its score under every policy, as text
--       ORDER     zset    waiting requests, by score, then arrival and id
--       URGENT    zset    the same for level 0, if the policy has a bounded wait
--       DUE       zset    levels 1 to 4 by deadline, if the policy has a bounded wait
--       LEASES    zset    running id -> time of expiry
--       HOLDERS   hash    running id -> "token worker"
--       COUNTS    hash    "waiting:0".."running:4", and "due": number of members of DUE
--       CHANGES   zset    id -> revision of its latest change
-- ARGV  1 to 3 the default policy (name, bounded, cap); 4 a new epoch; from 5 on the arguments
--       of the script.
--
-- Invariant: with a bounded wait, ORDER contains exactly the requests of levels 1 to 4 whose
-- deadline is after `swept`. So every position follows from ranks and counts of sorted sets.

local NUM_COMMON_ARGS = 4
local ID_IN_TIE = 34 -- first character of the id: after the digits of two numbers and a colon
local TIE_IN_DUE = 18 -- first character of the tie: after the digits of one number and a colon
local NUM_CHANGES_KEPT = 20000
local CHUNK = 1000

local num_args = #ARGV - NUM_COMMON_ARGS
local function arg(i) return ARGV[i + NUM_COMMON_ARGS] end

local function number(text)
  if text == 'inf' then return math.huge end
  if text == '-inf' then return -math.huge end
  return tonumber(text)
end

-- Returns the time of the caller as text, or the time of this server if the caller gave none.
local function moment(text)
  if text ~= '' then return text end
  local time = redis.call('TIME')
  return string.format('%d.%06d', time[1], time[2])
end

local function later(moment_text, seconds)
  return string.format('%.17g', number(moment_text) + tonumber(seconds))
end

local function damaged() redis.call('HSET', STATE, 'damaged', '1') end

local policy, bounded, cap, swept
local function load_state()
  local state = redis.call('HMGET', STATE, 'policy', 'bounded', 'cap', 'swept', 'epoch')
  local whole = state[1] and state[2] and state[3] and state[4] and number(state[4]) and state[5]
  if not whole then
    redis.call('HSET', STATE, 'policy', ARGV[1], 'bounded', ARGV[2], 'cap', ARGV[3],
      'swept', '-inf', 'epoch', ARGV[4], 'rev', '0', 'policy_rev', '0')
    if redis.call('HLEN', JOBS) > 0 then damaged() end
    state = {ARGV[1], ARGV[2], ARGV[3], '-inf'}
  end
  policy, bounded, cap, swept = state[1], state[2] == '1', tonumber(state[3]), state[4]
end
load_state()

-- Returns the fields of a record that the scripts need, or nil if the text is not a record.
-- `score` is nil if the record has no score under the active policy. record.py describes the
-- format.
local function parse(text)
  local record = text and split_record(text)
  if not (record and number(record.due) and number(record.arrival)) then return nil end
  local score, due_digits = string.match(record.scores, ',' .. policy .. '=([^,:]+):?([^,]*)')
  record.score = score
  record.due_tie = score and due_digits .. ':' .. record.tie
  return record
end

local function unknown() return redis.error_reply('UNKNOWNPOLICY ' .. policy) end

local function changed(id)
  redis.call('ZADD', CHANGES, redis.call('HINCRBY', STATE, 'rev', 1), id)
  redis.call('ZREMRANGEBYRANK', CHANGES, 0, -NUM_CHANGES_KEPT - 1)
end

-- Calls put(key, score, member) for each sorted set that contains a waiting record.
local function each_place(record, put)
  if not bounded then
    put(ORDER, record.score, record.tie)
  elseif record.priority == '0' then
    put(URGENT, record.score, record.tie)
  else
    if record.due ~= 'inf' then put(DUE, record.due, record.due_tie) end
    if number(record.due) > number(swept) then put(ORDER, record.score, record.tie) end
  end
end

local function count_waiting(record, by)
  redis.call('HINCRBY', COUNTS, 'waiting:' .. record.priority, by)
  if bounded and record.priority ~= '0' and record.due ~= 'inf' then
    redis.call('HINCRBY', COUNTS, 'due', by)
  end
end

local function place(record)
  each_place(record, function(key, score, member) redis.call('ZADD', key, score, member) end)
  count_waiting(record, 1)
end

local function unplace(record)
  each_place(record, function(key, _, member) redis.call('ZREM', key, member) end)
  count_waiting(record, -1)
end

local function lease(record, id, holder, expires)
  redis.call('ZADD', LEASES, expires, id)
  redis.call('HSET', HOLDERS, id, holder)
  redis.call('HINCRBY', COUNTS, 'running:' .. record.priority, 1)
end

-- `record` is nil if it cannot be read. Then COUNTS is wrong until `mend` has run.
local function unlease(record, id)
  redis.call('ZREM', LEASES, id)
  redis.call('HDEL', HOLDERS, id)
  if record then
    redis.call('HINCRBY', COUNTS, 'running:' .. record.priority, -1)
  else
    redis.call('HDEL', JOBS, id)
    damaged()
  end
end

local function is_leased(id) return redis.call('HEXISTS', HOLDERS, id) == 1 end

local function holds(id, token)
  local holder = redis.call('HGET', HOLDERS, id)
  return holder and string.sub(holder, 1, #token + 1) == token .. ' '
end

-- Removes from ORDER the requests that became overdue since the last sweep. If the clock of
-- this caller is behind, adds those that are not overdue yet. O(log n) for each moved request.
local function sweep(now)
  local moved
  if number(now) >= number(swept) then
    moved = redis.call('ZRANGEBYSCORE', DUE, '(' .. swept, now)
    for _, due_tie in ipairs(moved) do
      redis.call('ZREM', ORDER, string.sub(due_tie, TIE_IN_DUE))
    end
  else
    moved = redis.call('ZRANGEBYSCORE', DUE, '(' .. now, swept)
    for _, due_tie in ipairs(moved) do
      local tie = string.sub(due_tie, TIE_IN_DUE)
      local record = parse(redis.call('HGET', JOBS, string.sub(tie, ID_IN_TIE)))
      if record and record.score then
        redis.call('ZADD', ORDER, record.score, tie)
      else
        damaged()
      end
    end
  end
  if #moved > 0 then
    swept = now
    redis.call('HSET', STATE, 'swept', now)
  end
end

local function records_of(ids)
  local records = {}
  for first = 1, #ids, CHUNK do
    local last = math.min(first + CHUNK - 1, #ids)
    for _, record in ipairs(redis.call('HMGET', JOBS, unpack(ids, first, last))) do
      records[#records + 1] = record
    end
  end
  return records
end

-- Returns the best `num` entries of the sorted sets, best first, as {key, member, id}.
local function best_entries(num, now)
  local entries = {}
  local function take(key, members, first)
    for _, member in ipairs(members) do
      entries[#entries + 1] = {key, member, string.sub(member, first)}
    end
  end
  if bounded then
    sweep(now)
    take(URGENT, redis.call('ZRANGE', URGENT, 0, num - 1), ID_IN_TIE)
    if #entries < num then
      take(DUE, redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, num - #entries),
        TIE_IN_DUE + ID_IN_TIE - 1)
    end
  end
  if #entries < num then
    take(ORDER, redis.call('ZRANGE', ORDER, 0, num - #entries - 1), ID_IN_TIE)
  end
  return entries
end

local function is_valid(record, entry)
  return record and entry[2] == (entry[1] == DUE and record.due_tie or record.tie)
end

-- Returns ids, texts and records of the best `num` waiting requests, best first. Removes entries
-- that cannot be read or do not fit their record; `replace_all` adds the requests again.
local function best(num, now)
  while true do
    local ids, texts, records, found_ids, num_removed = {}, {}, {}, {}, 0
    local entries = best_entries(num, now)
    for i, entry in ipairs(entries) do found_ids[i] = entry[3] end
    local found = records_of(found_ids)
    for i, entry in ipairs(entries) do
      local record = parse(found[i])
      if is_valid(record, entry) then
        ids[#ids + 1], texts[#texts + 1], records[#records + 1] = entry[3], found[i], record
      else
        num_removed = num_removed + 1
        redis.call('ZREM', entry[1], entry[2])
        if not record then redis.call('HDEL', JOBS, entry[3]) end
      end
    end
    if num_removed == 0 then return ids, texts, records end
    damaged()
  end
end

-- Returns the revision of a mark; 0 if Redis has lost its data since (another epoch).
local function since(epoch, rev)
  if redis.call('HGET', STATE, 'epoch') ~= epoch then return 0 end
  return tonumber(rev)
end

-- Returns the requests that an earlier call of this holder leased, and renews their leases.
local function granted_before(holder, expires)
  local held, mine = redis.call('HGETALL', HOLDERS), {}
  for i = 1, #held, 2 do
    if held[i + 1] == holder then mine[#mine + 1] = held[i] end
  end
  local answer = {expires}
  for i, text in ipairs(records_of(mine)) do
    if parse(text) then
      redis.call('ZADD', LEASES, expires, mine[i])
      answer[#answer + 1] = text
    end
  end
  return answer
end

-- Returns the name of an inconsistent key, or ''. Compares numbers of entries only, so the cost
-- does not depend on the number of waiting requests.
local function fault()
  local counts, sums = redis.call('HGETALL', COUNTS), {waiting = 0, running = 0, due = 0}
  for i = 1, #counts, 2 do
    local kind = string.match(counts[i], '^%a+')
    sums[kind] = (sums[kind] or 0) + (tonumber(counts[i + 1]) or 0)
  end
  local function num(key) return redis.call('ZCARD', key) end
  local num_ordered = num(ORDER)
  if bounded then
    num_ordered = num_ordered + num(URGENT) + redis.call('ZCOUNT', DUE, '-inf', swept)
  end
  if redis.call('HGET', STATE, 'damaged') then return 'entry' end
  if redis.call('HLEN', JOBS) ~= sums.waiting + sums.running then return 'jobs' end
  if num_ordered ~= sums.waiting then return 'order' end
  if bounded and num(DUE) ~= sums.due then return 'due' end
  if num(LEASES) ~= sums.running then return 'leases' end
  if redis.call('HLEN', HOLDERS) ~= sums.running then return 'holders' end
  return ''
end
