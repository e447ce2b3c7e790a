-- The answer to an operation that Redis refused: 'e' and a word of ours or the first word of its error, such as eWRONGTYPE or
-- eOOM; never more of its text. A server that is a replica now refuses the whole call: its client has to find the other
-- one, and nothing was written yet.
local function refusal(reply)
  if string.find(reply.err, '^READONLY ') then error(reply) end
  if string.find(reply.err, "^ERR The user executing the script can't ") then return 'eNOPERM' end
  return 'e' .. (string.match(reply.err, '^(%u+)') or 'ERR')
end
