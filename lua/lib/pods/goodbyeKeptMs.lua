-- How long the row of a pod that said goodbye is kept: a day.
local GOODBYE_KEPT_MS = 86400000
