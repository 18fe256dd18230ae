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
