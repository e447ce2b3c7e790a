-- The token and the expiry of new records, in base 36, as they stand side by side: base36(token) .. '|' .. base36(expiresAtMs).
-- Digit by digit without a loop or a function for each, where they have ten and eight of them, as they have from 1974 to 2059:
-- in the smallest script, one new link, this is a good part of what Lua does. (% is exact below 2^53.)
local function stamp(token, expiresAtMs)
  -- 36^9, 36^10, 36^7, 36^8
  if token < 101559956668416 or token >= 3656158440062976 or expiresAtMs < 78364164096 or expiresAtMs >= 2821109907456 then
    return base36(token) .. '|' .. base36(expiresAtMs)
  end
  local low = token % 60466176
  local high = (token - low) / 60466176
  local t5 = high % 36
  high = (high - t5) / 36
  local t4 = high % 36
  high = (high - t4) / 36
  local t3 = high % 36
  high = (high - t3) / 36
  local t2 = high % 36
  local t1 = (high - t2) / 36
  local t10 = low % 36
  low = (low - t10) / 36
  local t9 = low % 36
  low = (low - t9) / 36
  local t8 = low % 36
  low = (low - t8) / 36
  local t7 = low % 36
  local t6 = (low - t7) / 36
  low = expiresAtMs % 1679616
  high = (expiresAtMs - low) / 1679616
  local e4 = high % 36
  high = (high - e4) / 36
  local e3 = high % 36
  high = (high - e3) / 36
  local e2 = high % 36
  local e1 = (high - e2) / 36
  local e8 = low % 36
  low = (low - e8) / 36
  local e7 = low % 36
  low = (low - e7) / 36
  local e6 = low % 36
  local e5 = (low - e6) / 36
  return string.char(
    t1 < 10 and t1 + 48 or t1 + 87, t2 < 10 and t2 + 48 or t2 + 87, t3 < 10 and t3 + 48 or t3 + 87,
    t4 < 10 and t4 + 48 or t4 + 87, t5 < 10 and t5 + 48 or t5 + 87, t6 < 10 and t6 + 48 or t6 + 87,
    t7 < 10 and t7 + 48 or t7 + 87, t8 < 10 and t8 + 48 or t8 + 87, t9 < 10 and t9 + 48 or t9 + 87,
    t10 < 10 and t10 + 48 or t10 + 87, 124,
    e1 < 10 and e1 + 48 or e1 + 87, e2 < 10 and e2 + 48 or e2 + 87, e3 < 10 and e3 + 48 or e3 + 87,
    e4 < 10 and e4 + 48 or e4 + 87, e5 < 10 and e5 + 48 or e5 + 87, e6 < 10 and e6 + 48 or e6 + 87,
    e7 < 10 and e7 + 48 or e7 + 87, e8 < 10 and e8 + 48 or e8 + 87
  )
end
