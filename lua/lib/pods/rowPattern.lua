-- The shapes of a pod's row and of what the pod says in it: see podRow and podSaid, which take them apart.
local POD_ROW = '^1|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|([^|]+)|(%d+)|([^|]+)|(.+)$'
local POD_SAID = '^(%a+)|(%a+)|([^|]+)|([^|]+)|(%d+)|(%d+)|([^|]*)|.'
