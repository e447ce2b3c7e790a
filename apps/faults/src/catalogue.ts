/** A fault that podlink is held to survive: what happens, and what must then be true. */
export interface CataloguedFault {
  readonly fault: string;
  readonly must: string;
}

/** All of them, by their number. Numbers are kept for good: other documents and tests name them. */
export const catalogue: Readonly<Record<number, CataloguedFault>> = {
  1: {
    fault: "Redis is down when a process starts",
    must: "the process starts, is not ready, doesn't crash, and connects within 2 s once Redis is up",
  },
  2: {
    fault: "Redis is killed and comes back empty",
    must: "the change of epoch is noticed, tables are unverified and claimed again, no uid has two owners",
  },
  3: {
    fault: "Redis is killed and has lost the last second of its append-only file",
    must: "what was lost is noticed and claimed again",
  },
  4: { fault: "Redis stands still for 5 s", must: "calls end at their deadline; what is executed late does no harm" },
  5: {
    fault: "a reply is lost after its command was executed",
    must: "one effect; the caller learns it, or that it is unknown",
  },
  6: { fault: "a request is lost before it was executed", must: "an error or a repeat; no phantom" },
  7: {
    fault: "the line to Redis goes dead without a FIN",
    must: "noticed within the socket's timeout; deadlines hold",
  },
  8: { fault: "latency of 200 ms with jitter, and losses", must: "no pod is taken for dead; calls stay bounded" },
  9: {
    fault: "the line is slow, and its reader slower",
    must: "back-pressure: memory stays bounded, a killed connection is made again",
  },
  10: { fault: "replies arrive byte by byte", must: "they are read correctly" },
  11: { fault: "a clean Sentinel failover", must: "writes resume within detection + 2 s; READONLY is handled once" },
  12: {
    fault: "a failover with the old primary isolated",
    must: "writes stay in the order of their tokens; what is lost is counted",
  },
  13: {
    fault: "a failover to an empty or stale replica",
    must: "the change of epoch is noticed; nobody is moved for it",
  },
  14: {
    fault: "Sentinels can't be reached, or one of three is wrong",
    must: "the present primary is kept; repeats are bounded",
  },
  15: { fault: "a demoted primary still answers reads", must: "ownership is decided by the primary's scripts only" },
  16: {
    fault: "too few replicas take part (NOREPLICAS)",
    must: "writes fail with a type, renewals too, and owners stop at the end of their lease",
  },
  17: {
    fault: "a Cluster's master dies, its replica takes over",
    must: "only its slots pause, for node-timeout + 2 s at most",
  },
  18: {
    fault: "a Cluster's master dies without a replica",
    must: "a typed error; other slots go on where full coverage isn't asked for",
  },
  19: { fault: "slots move under load", must: "no operation fails, none is done twice" },
  20: { fault: "a slot's move is left half done", must: "waits are bounded by the deadline" },
  21: { fault: "a whole Cluster is down, then up", must: "calls settle at their deadline, and all recovers" },
  22: {
    fault: "a node is added, or an address changes",
    must: "slots are looked up again; nothing has to be restarted",
  },
  23: { fault: "SCRIPT FLUSH under load", must: "no error, no change of order" },
  24: {
    fault: "FLUSHALL of the link store",
    must: "the change of epoch is noticed, tables are claimed again, 421 repairs caches",
  },
  25: {
    fault: "an operator deletes one key",
    must: "its owner notices at the next verification and stops or takes it anew",
  },
  26: { fault: "memory is full, noeviction", must: "what sets is refused whole; what removes and renews works" },
  27: { fault: "memory is full, links are evicted", must: "a policy other than noeviction is told at start" },
  28: {
    fault: "a script keeps Redis busy",
    must: "a typed error; the breaker opens; connections are not made anew in a storm",
  },
  29: {
    fault: "all clients are killed, or all that subscribe",
    must: "connected again with jitter; pods are read again",
  },
  30: {
    fault: "published messages are lost, doubled or out of order",
    must: "staleness is bounded; a wrong route is answered 421 and looked up again",
  },
  31: { fault: "a subscriber's output buffer overflows", must: "the same as when it is killed" },
  32: {
    fault: "a command, a channel or a prefix is not permitted",
    must: "the self-test at start names it; nothing is half written",
  },
  33: {
    fault: "the password is rotated; the user is off or deleted",
    must: "connected again with the new secret; what is fatal is visible",
  },
  34: {
    fault: "a certificate has expired, is of another CA or of another host",
    must: "a typed error, not ready, nothing in the clear",
  },
  35: { fault: "certificates are rotated while running", must: "new connections use them, none is dropped" },
  36: { fault: "maxclients is reached", must: "backing off; pods that are connected notice nothing" },
  37: { fault: "the disk is full (MISCONF)", must: "writes fail with a type" },
  38: {
    fault: "Redis' clock jumps an hour ahead",
    must: "links end early: overlap is bounded by fencing; it is logged; no crash",
  },
  39: {
    fault: "Redis' clock jumps an hour back",
    must: "links live long: pods are bound by their own clock; tokens still grow",
  },
  40: {
    fault: "a pod's clock jumps",
    must: "back: nothing; ahead by more than the margin: fenced once, registered once",
  },
  41: {
    fault: "a pod stands still for longer than its lease",
    must: "it wakes up fenced and refuses; its writes are refused",
  },
  42: { fault: "a process' event loop is blocked for 3 s", must: "Redis isn't taken for dead; the margin absorbs it" },
  43: {
    fault: "a pod with 10,000 links is killed",
    must: "its users move at a pace, with jitter, one flight for each",
  },
  44: {
    fault: "more than half of the pods fall silent at once",
    must: "nothing is replaced for panicMs, then at a pace; nothing if nobody reports",
  },
  45: { fault: "one pod's heartbeats are lost", must: "it is fenced before others take its users" },
  46: {
    fault: "gateway and pod can't reach each other; both reach Redis",
    must: "attempts are bounded; no users play ball",
  },
  47: {
    fault: "a pod restarts under the same index, the old life still runs",
    must: "the old life's renewals, removals and requests are refused",
  },
  48: {
    fault: "scaled down, and the index is used again",
    must: "links are inherited by a claim only, with a new token; no stranger is served",
  },
  49: {
    fault: "two processes claim one pod's identity",
    must: "the newer wins, and waits for the older's lease; the older is superseded",
  },
  50: { fault: "SIGTERM with requests and streams under way", must: "they finish; a rolling restart fails no request" },
  51: { fault: "a second SIGTERM, a second drain, a drain while starting", must: "idempotent" },
  52: { fault: "a drain while Redis is down", must: "the process ends in time; leases expire" },
  53: { fault: "a drain when no other pod is ready", must: "NO_ROUTABLE_POD; links stay for the next life" },
  54: {
    fault: "a crash between removal and the end of a hand-off",
    must: "the goodbye or its grace ends; the user is linked again",
  },
  55: { fault: "a crash between the write and its publication", must: "the longest staleness heals it" },
  56: {
    fault: "a stored value is malformed",
    must: "of our version: absent and counted; newer or of another type: CORRUPT, untouched",
  },
  57: {
    fault: "uids with braces, control characters, lone surrogates, words of errors, a megabyte",
    must: "refused or encoded; no other uid is met, no log is forged",
  },
  58: { fault: "two versions during a rolling deploy", must: "they understand each other both ways" },
  59: {
    fault: "an instance of the link service dies during a call, or all do",
    must: "another answers within a second; the own namespace isn't touched",
  },
  60: { fault: "a gRPC peer stands still", must: "keepalive and deadline; the breaker" },
  61: { fault: "GOAWAY during a call, a message too large, the cap of streams", must: "typed; nothing is lost" },
  62: { fault: "an unknown namespace or a forged identity in a call", must: "PERMISSION_DENIED, and in the audit log" },
  63: { fault: "a batch of a million uids", must: "INVALID_ARGUMENT before anything reaches Redis" },
  64: { fault: "slow requests, huge headers, callers that go away", must: "time-outs; the pod's part is cancelled" },
  65: { fault: "gateways send a request in circles", must: "508 after a bounded number of hops" },
  66: { fault: "a storm of retries", must: "repeats are at most 10 % of the traffic" },
  67: { fault: "metrics are asked for without end", must: "requests don't notice; nothing scans Redis" },
  68: { fault: "whoever reads the log stands still", must: "requests go on, or logs are dropped" },
  69: { fault: "a day of all of these at random", must: "memory and handles stay level; no invariant is broken" },
};
