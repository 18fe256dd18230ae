/**
 * The Lua that Redis runs in one piece, so that no other command comes in between.
 *
 * Keys of one script have the same hash tag, so that they lie on one machine of a cluster. Every key has a time to live.
 */

/**
 * Takes or renews a lock. KEYS: lock, newest token. ARGV: owner, ttl, ttl of the token.
 * A server that has been up for less than the ttl may have forgotten a lock that somebody still counts on, so it gives none.
 * A token is the server's time in us, or one more than the one before: also greater when Redis has lost its data, unless its
 * clock was set back meanwhile. It fits a double until the year 2255.
 */
export const ACQUIRE = `
local held = redis.call('GET', KEYS[1])
if held then
  local token, owner = string.match(held, '^(%d+) (.*)$')
  if owner ~= ARGV[1] then return {0, owner, redis.call('PTTL', KEYS[1])} end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('SET', KEYS[2], token, 'PX', ARGV[3])
  return {1, token}
end
local upMs = tonumber(string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')) * 1000
if upMs < tonumber(ARGV[2]) then return {0, '', tonumber(ARGV[2]) - upMs} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local token = string.format('%.0f', math.max(now, last + 1))
redis.call('SET', KEYS[1], token .. ' ' .. ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], token, 'PX', ARGV[3])
return {1, token}
`;

/**
 * Raises the fence to the token of a lock that is kept elsewhere. KEYS: newest token, fence. ARGV: token there, ttl of the
 * fence, ttl of the token.
 * A token of another kind of lock, or of a store that begins anew, may be smaller than one before it: what words carry is a
 * token of this server, made as above for each one there. Refused under a smaller one until the fence has ended.
 */
export const RAISE = `
local given = tonumber(ARGV[1])
local known = tonumber(redis.call('GET', KEYS[2]) or '0')
if given < known then return '' end
local token = redis.call('GET', KEYS[1])
if given > known or not token then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  token = string.format('%.0f', math.max(now, tonumber(token or '0') + 1))
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[1], token, 'PX', ARGV[3])
return token
`;

/** Gives a lock back. KEYS: lock. ARGV: owner. */
export const RELEASE = `
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^%d+ (.*)$') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/**
 * Says a word under a token. KEYS: newest token, word, rollback. ARGV: token, run, word, ttl, channel, message.
 * Refused when a newer token was given, and when the run, or a later one, is rolled back.
 */
export const PUT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'fenced' end
local mark = redis.call('GET', KEYS[3])
if mark and tonumber(string.match(mark, '^%d+')) >= tonumber(ARGV[2]) then return 'rolled-back' end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 'done'
`;

/** Says that a run is rolled back. KEYS: rollback. ARGV: run, word, ttl, channel, message. */
export const MARK = `
local mark = redis.call('GET', KEYS[1])
if mark and tonumber(string.match(mark, '^%d+')) >= tonumber(ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
`;

/**
 * Counts requests of keys under limits. KEYS: a time each. ARGV, for each: ms between two requests at its rate, requests (below 0:
 * taken back), ms that it may be ahead at most; then how many keys the database may have for new ones to be made. Returns how
 * many us each is ahead of now, then how many were not stored. A key that is not counted is only read. What is stored counts as
 * ahead by no more than that most, and as nothing where it is no time: neither a clock that was set back nor a key that somebody else
 * has written holds anybody up for long, or the other keys at all.
 */
export const COUNT = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local isFull = redis.call('DBSIZE') >= tonumber(ARGV[#ARGV])
local aheads, refused = {}, 0
for n, key in ipairs(KEYS) do
  local step, count, most = tonumber(ARGV[3 * n - 2]), tonumber(ARGV[3 * n - 1]), tonumber(ARGV[3 * n])
  local held = redis.pcall('GET', key)
  local full = type(held) == 'string' and tonumber(held) or now
  if full > now then full = math.min(full, now + most) else full = now end
  if count ~= 0 then full = math.min(math.max(full + step * count, now), now + most) end
  if count ~= 0 and (held or not isFull) then
    redis.call('SET', key, string.format('%.3f', full), 'PX', string.format('%.0f', math.ceil(full - now) + 1))
  elseif count ~= 0 then
    refused = refused + 1
  end
  aheads[n] = math.ceil((full - now) * 1000)
end
aheads[#KEYS + 1] = refused
return aheads
`;

/**
 * Takes an idempotency key, or tells what came of it. KEYS: the key. ARGV: digest of what is asked, owner, his turn, ttl of the
 * lock, how many keys the database may have for a new one to be made. Who has it already takes it again: his own requests he
 * keeps apart himself.
 */
export const TAKE_ANSWER = `
local held = redis.call('HMGET', KEYS[1], 'print', 'by', 'status', 'lines', 'body')
if held[1] and held[1] ~= ARGV[1] then return {'mismatch'} end
if held[3] then return {'answer', held[3], held[4], held[5], redis.call('PTTL', KEYS[1])} end
if held[2] and string.match(held[2], '^(%S+) ') ~= ARGV[2] then return {'busy'} end
if not held[1] and redis.call('DBSIZE') >= tonumber(ARGV[5]) then return {'full'} end
redis.call('HSET', KEYS[1], 'print', ARGV[1], 'by', ARGV[2] .. ' ' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'taken'}
`;

/**
 * Says what becomes of a key that was taken. KEYS: the key. ARGV: owner and turn, then `release`; or `renew`, ttl, digest of what
 * was asked; or `keep`, ttl, digest of what was asked, status, lines, body. An answer that is there stays, and so does who took
 * the key since. A key that nobody has is locked or answered all the same: the server was away meanwhile, or has lost the lock.
 */
export const SETTLE_ANSWER = `
local held = redis.call('HMGET', KEYS[1], 'by', 'status')
if held[2] or (held[1] and held[1] ~= ARGV[1]) then return 0 end
if ARGV[2] == 'keep' then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'print', ARGV[4], 'status', ARGV[5], 'lines', ARGV[6], 'body', ARGV[7])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
elseif ARGV[2] == 'renew' then
  redis.call('HSET', KEYS[1], 'print', ARGV[4], 'by', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
elseif held[1] then
  redis.call('DEL', KEYS[1])
end
return 1
`;
