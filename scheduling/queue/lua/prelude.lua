-- Stands in front of every move, so that all of them place, order and count alike.
--
-- KEYS  state     hash    policy, bounded, cap, swept, epoch, rev, policy_rev; `damaged` where
--                         something was found that does not fit, until `mend` has been here
--       jobs      hash    id -> record: a request with its score under every policy, as text
--       order     zset    waiting, by score then arrival and id
--       urgent    zset    the same for level 0, while the policy bounds the wait
--       due       zset    the other levels by due time, while the policy bounds the wait
--       leases    zset    running id -> time of expiry
--       holders   hash    running id -> "token worker"
--       counts    hash    "waiting:0".."running:4", and "due": how many stand in `due`
--       changes   zset    id -> revision of its latest change
-- ARGV  1..4 the policy to begin with (name, bounded, cap) and an epoch; the move's own from 5 on.
--
-- Law: while the wait is bounded, `order` holds exactly the levels 1..4 whose due time is after
-- `swept`. So no place of the queue needs more than ranks and counts of sorted sets.

local STATE, JOBS, ORDER, URGENT, DUE, LEASES, HOLDERS, COUNTS, CHANGES = unpack(KEYS)
local NUM_COMMON_ARGS = 4
local ID_IN_TIE = 18 -- after sixteen hexadecimal digits and a colon
local NUM_CHANGES_KEPT = 20000
local CHUNK = 1000

local num_args = #ARGV - NUM_COMMON_ARGS
local function arg(i) return ARGV[i + NUM_COMMON_ARGS] end

local function number(text)
  if text == 'inf' then return math.huge end
  if text == '-inf' then return -math.huge end
  return tonumber(text)
end

-- The moment of a caller, or of this server where the caller leaves it to us. Text, so that
-- nothing rounds.
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

-- What the order needs of a record, which record.py writes; `score` is nil where it has none
-- under the active policy. Nil where the text is no record.
local function parse(text)
  if not text then return nil end
  local priority, due, arrival, scores, tie =
    string.match(text, '^([0-4]) (%S+) (%S+) %d+ %d+ %d+ (,%S+,) (%x+:.+)$')
  if not (priority and number(due) and number(arrival)) then return nil end
  local score, due_digits = string.match(scores, ',' .. policy .. '=([^,:]+):?([^,]*)')
  return {priority = priority, due = due, score = score, tie = tie,
    due_tie = score and due_digits .. ':' .. tie}
end

local function unknown() return redis.error_reply('UNKNOWNPOLICY ' .. policy) end

local function changed(id)
  redis.call('ZADD', CHANGES, redis.call('HINCRBY', STATE, 'rev', 1), id)
  redis.call('ZREMRANGEBYRANK', CHANGES, 0, -NUM_CHANGES_KEPT - 1)
end

-- Calls put(key, score, member) for each sorted set in which a waiting record stands.
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

-- `record` is nil where it cannot be read: then the counts are wrong until `mend` comes.
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

-- Moves between `order` and overdue whatever fell due since the last sweep, or, where the
-- caller's clock is behind the last one's, is not due yet. Each job moves once: O(log n).
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

-- The best `num` places that are taken, best first, as {key, member, id}.
local function best_places(num, now)
  local places = {}
  local function take(key, members, first)
    for _, member in ipairs(members) do
      places[#places + 1] = {key, member, string.sub(member, first)}
    end
  end
  if bounded then
    sweep(now)
    take(URGENT, redis.call('ZRANGE', URGENT, 0, num - 1), ID_IN_TIE)
    if #places < num then
      take(DUE, redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, num - #places),
        2 * ID_IN_TIE - 1)
    end
  end
  if #places < num then
    take(ORDER, redis.call('ZRANGE', ORDER, 0, num - #places - 1), ID_IN_TIE)
  end
  return places
end

-- Whether the record stands at this place rightly: nothing is served by an entry of unknown origin.
local function fits(record, place_of_it)
  local member = place_of_it[1] == DUE and record.due_tie or record.tie
  return member == place_of_it[2]
end

-- Ids, texts and records of the best `num` that wait, best first. What stands there and cannot be
-- read is taken out; the truth brings it back.
local function best(num, now)
  while true do
    local ids, texts, records, num_wrong = {}, {}, {}, 0
    local places = best_places(num, now)
    for i, each in ipairs(places) do ids[i] = each[3] end
    local found = records_of(ids)
    ids = {}
    for i, each in ipairs(places) do
      local record = parse(found[i])
      if record and fits(record, each) then
        ids[#ids + 1], texts[#texts + 1], records[#records + 1] = each[3], found[i], record
      else
        num_wrong = num_wrong + 1
        redis.call('ZREM', each[1], each[2])
        if not record then redis.call('HDEL', JOBS, each[3]) end
      end
    end
    if num_wrong == 0 then return ids, texts, records end
    damaged()
  end
end

-- The revision after which a caller's knowledge ends; 0 where Redis began anew since.
local function since(epoch, rev)
  if redis.call('HGET', STATE, 'epoch') ~= epoch then return 0 end
  return tonumber(rev)
end

-- What an earlier call took whose answer was lost; its leases begin anew.
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

-- What does not fit together, in a word; '' where all is well. Compares how much there is in each
-- place, which costs the same however much waits.
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
