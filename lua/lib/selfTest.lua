-- Proves that the caller may run every command of a script: a command refused in the middle of real work would leave what
-- was written before it, and Redis 7.0 doesn't say which command it refused.
-- commands: a list of commands with their arguments, on a key that holds nothing: first those that write nothing there, what
-- removes among them, then each that writes, followed by what removes: so that nothing is left, whichever is refused.
-- Returns { 'ok' } or { 'refused', command, Redis' reason }.
local function selfTest(commands)
  for _, command in ipairs(commands) do
    local reply = redis.pcall(unpack(command))
    if type(reply) == 'table' and reply.err then return { 'refused', command[1], reply.err } end
  end
  return { 'ok' }
end
