-- What is known of a service as a whole. KEYS: 4 meta.
-- Returns { generation ('' is none), sequence: the newest number, published: the text of the newest message's number }.
local function readMeta()
  local meta = redis.call('HMGET', KEYS[4], 'generation', 'sequence', 'published')
  return { generation = meta[1] or '', sequence = tonumber(meta[2]) or 0, published = meta[3] or '0' }
end
