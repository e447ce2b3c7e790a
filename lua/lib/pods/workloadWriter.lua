-- Which pod writes the workload state, as it stands in meta under `writer`: `podIndex beatMs leaseMs`, of its last report.
-- Only its own reports write it.
local WORKLOAD_WRITER = '^(%d+) (%d+) (%d+)$'
