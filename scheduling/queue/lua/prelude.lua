-- Shared functions. Every script starts with this file.
--
-- semantic_queue.py writes two definitions before it: the names of KEYS (STATE, JOBS, ...), and
-- split_record(text), so that the order of keys and of record fields is stated in Python only.
--
-- KEYS  STATE     hash    policy, bounded, cap, swept, epoch, rev, policy_rev
--       JOBS      hash    id -> record: a request with its score under every policy, as text
--       ORDER     zset    waiting requests, by score, then arrival and id
--       URGENT    zset    the same for level 0, if the policy has a bounded wait
--       DUE       zset    levels 1 to 4 by deadline, if the policy has a bounded wait
--       LEASES    zset    running id -> time of expiry
--       HOLDERS   hash    running id -> "token worker"
--       COUNTS    hash    "waiting:0".."running:4"
--       CHANGES   zset    id -> revision of its latest change
-- ARGV  1 to 3 the default policy (name, bounded, cap); 4 a new epoch; from 5 on the arguments
--       of the script.
--
-- Invariant: with a bounded wait, ORDER contains exactly the requests of levels 1 to 4 whose
-- deadline is after `swept`. So every position follows from ranks and counts of sorted sets.

local NUM_COMMON_ARGS = 4
local ID_IN_TIE = 18 -- first character of the id: after sixteen hexadecimal digits and a colon
local NUM_CHANGES_KEPT = 20000
local CHUNK = 1000

local num_args = #ARGV - NUM_COMMON_ARGS
local function arg(i) return ARGV[i + NUM_COMMON_ARGS] end

local function number(text)
  if text == 'inf' then return math.huge end
  if text == '-inf' then return -math.huge end
  return tonumber(text)
end

local policy, bounded, cap, swept
local function load_state()
  local state = redis.call('HMGET', STATE, 'policy', 'bounded', 'cap', 'swept')
  if not state[1] then
    redis.call('HSET', STATE, 'policy', ARGV[1], 'bounded', ARGV[2], 'cap', ARGV[3],
      'swept', '-inf', 'epoch', ARGV[4], 'rev', '0', 'policy_rev', '0')
    state = {ARGV[1], ARGV[2], ARGV[3], '-inf'}
  end
  policy, bounded, cap, swept = state[1], state[2] == '1', tonumber(state[3]), state[4]
end
load_state()

-- Returns the fields of a record that the scripts need. `score` is nil if the record has no
-- score under the active policy. record.py describes the format.
local function parse(text)
  local record = split_record(text)
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

local function place(record)
  each_place(record, function(key, score, member) redis.call('ZADD', key, score, member) end)
  redis.call('HINCRBY', COUNTS, 'waiting:' .. record.priority, 1)
end

local function unplace(record)
  each_place(record, function(key, _, member) redis.call('ZREM', key, member) end)
  redis.call('HINCRBY', COUNTS, 'waiting:' .. record.priority, -1)
end

local function lease(record, id, holder, expires)
  redis.call('ZADD', LEASES, expires, id)
  redis.call('HSET', HOLDERS, id, holder)
  redis.call('HINCRBY', COUNTS, 'running:' .. record.priority, 1)
end

local function unlease(record, id)
  redis.call('ZREM', LEASES, id)
  redis.call('HDEL', HOLDERS, id)
  redis.call('HINCRBY', COUNTS, 'running:' .. record.priority, -1)
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
      redis.call('ZREM', ORDER, string.sub(due_tie, ID_IN_TIE))
    end
  else
    moved = redis.call('ZRANGEBYSCORE', DUE, '(' .. now, swept)
    for _, due_tie in ipairs(moved) do
      local tie = string.sub(due_tie, ID_IN_TIE)
      local record = parse(redis.call('HGET', JOBS, string.sub(tie, ID_IN_TIE)))
      redis.call('ZADD', ORDER, record.score, tie)
    end
  end
  if #moved > 0 then
    swept = now
    redis.call('HSET', STATE, 'swept', now)
  end
end

-- Returns the ids of the best `num` waiting requests, best first.
local function best(num, now)
  local ids = {}
  local function take(members, first)
    for _, member in ipairs(members) do ids[#ids + 1] = string.sub(member, first) end
  end
  if bounded then
    sweep(now)
    take(redis.call('ZRANGE', URGENT, 0, num - 1), ID_IN_TIE)
    if #ids < num then
      take(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, num - #ids),
        2 * ID_IN_TIE - 1)
    end
  end
  if #ids < num then take(redis.call('ZRANGE', ORDER, 0, num - #ids - 1), ID_IN_TIE) end
  return ids
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

-- Returns the revision of a mark; 0 if Redis has lost its data since (another epoch).
local function since(epoch, rev)
  if redis.call('HGET', STATE, 'epoch') ~= epoch then return 0 end
  return tonumber(rev)
end
