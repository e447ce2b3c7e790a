-- Tells watchers of a row: `<number of the message before>|<podIndex>|<row>`. Comes last, and may fail alone.
local function publishRow(channel, podIndex, text, published)
  redis.pcall('PUBLISH', channel, published .. '|' .. podIndex .. '|' .. text)
end
