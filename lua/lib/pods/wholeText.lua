-- A whole number as text: Lua itself would write one from 1e14 on with an exponent.
local function wholeText(number)
  return string.format('%.0f', number)
end
