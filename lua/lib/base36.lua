-- The base 36 text of a whole number from 0 to 2^54. (fmod and char are exact there; % and tostring are not.)
-- Four digits a round: in the smallest script, one new link, this is a good part of what Lua does.
local function base36(number)
  local text, char = '', string.char
  repeat
    local group = math.fmod(number, 1679616)
    number = (number - group) / 1679616
    local fourth = group % 36
    group = (group - fourth) / 36
    local third = group % 36
    group = (group - third) / 36
    local second = group % 36
    local first = (group - second) / 36
    text = char(
      first < 10 and first + 48 or first + 87,
      second < 10 and second + 48 or second + 87,
      third < 10 and third + 48 or third + 87,
      fourth < 10 and fourth + 48 or fourth + 87
    ) .. text
  until number == 0
  return (string.gsub(text, '^0+(.)', '%1'))
end
