// The faults that are planted to show that the tools find them: each a small change of the sources, made in memory, and the
// test that must fail because of it.

/**
 * @typedef {object} Patch
 * @property {string} file from the root
 * @property {string} find the text that is replaced
 * @property {string} replace
 * @property {number} [times] how often the text is there. Absent: once
 *
 * @typedef {object} PlantedFault
 * @property {string} name for PODLINK_PLANTED and the command line
 * @property {string} fault what is wrong, for people
 * @property {string} instrument what finds it
 * @property {readonly Patch[]} patches
 * @property {{ project: string, file: string, name?: string }} test which test, as vitest selects it
 * @property {RegExp} finding what the failed test says; another failure doesn't count
 */

/** @type {readonly PlantedFault[]} */
export const faults = [
  {
    name: "resend",
    fault: "ioredis sends again what was not answered (its default)",
    instrument: "history checker, through the fault proxy",
    patches: [
      {
        file: "packages/redis-executor/src/connection/client-options.ts",
        find: "behind everybody's back.\n    autoResendUnfulfilledCommands: false,\n    maxRetriesPerRequest: 0,",
        replace: "behind everybody's back.\n    autoResendUnfulfilledCommands: true,\n    maxRetriesPerRequest: null,",
      },
      {
        file: "packages/redis-executor/src/connection/tracked-command.ts",
        find: "if (this.mayHaveRun) {",
        replace: "if (this.mayHaveRun && this.#isAbandoned) {",
      },
    ],
    test: { project: "@podlink/redis-executor", file: "test/history/histories.test.ts", name: "a single Redis" },
    finding: /history \d+ of \d+: .*(?:No order of|claim to have made)/s,
  },
  {
    name: "replace-blindly",
    fault: "`replace` does not compare tokens (one guard of a Lua script)",
    instrument: "history checker, through the fault proxy",
    patches: [
      {
        file: "lua/src/generated.ts",
        find: "if live and live.token ~= tonumber(turn.expectedToken, 36) then",
        replace: "if live and live.token < 0 then",
      },
    ],
    test: { project: "@podlink/redis-executor", file: "test/history/histories.test.ts", name: "a single Redis" },
    finding: /history \d+ of \d+: .*(?:No order of|claim to have made)/s,
  },
  {
    name: "counted-tokens",
    fault: "tokens are counted, not taken from the clock, and Redis loses its data in a failover",
    instrument: "token watcher",
    patches: [
      {
        file: "lua/src/generated.ts",
        find: "math.max(nowUs, tonumber(args[2]), floor + 1)",
        replace: "math.max(tonumber(args[2]), floor + 1)",
      },
      {
        file: "packages/redis-executor/src/links/wire.ts",
        find: "return Math.max(nowUs, leastToken,",
        replace: "return Math.max(0 * nowUs, leastToken,",
      },
    ],
    test: { project: "@podlink/redis-executor", file: "test/links/tokens-after-loss.test.ts" },
    finding: /went back|token \d+ names|was made twice/,
  },
  {
    name: "one-clock-check",
    fault: "the guard does not look at the clock again after a claim's reply",
    instrument: "model-based property: guard, lease, claim",
    patches: [
      {
        file: "packages/server-driver/src/claims.ts",
        find: "    const refused = authority.refusesClaims();\n    if (refused !== undefined) return refused;\n    if (authority.incarnation !== incarnation)",
        replace: "    if (authority.incarnation !== incarnation)",
      },
    ],
    test: { project: "@podlink/server-driver", file: "test/one-owner.property.test.ts" },
    finding: /past its lease/,
  },
  {
    name: "release-without-token",
    fault: "a release does not expect the token that the pod holds",
    instrument: "model-based property: guard, lease, claim",
    patches: [
      {
        file: "packages/server-driver/src/link-methods.ts",
        find: "const expected = { podIndex, token, ...",
        replace: "const expected = { podIndex, ...",
      },
    ],
    test: { project: "@podlink/server-driver", file: "test/one-owner.property.test.ts" },
    finding: /2 owners of/,
  },
  {
    name: "re-made-link",
    fault: "verification makes a link again that was removed",
    instrument: "model-based property: guard, lease, claim",
    patches: [
      {
        file: "packages/server-driver/src/verification.ts",
        find: 'if (this.#isSettled(period)) table.end(period.uid, "lost", link);',
        replace:
          "if (this.#isSettled(period) && link === undefined) void context.store.execute({ " +
          'kind: "setIfAbsent", ...context.linkKey(period.uid), owner: { podIndex: period.link.podIndex, ' +
          "...(period.link.incarnation === undefined ? {} : { incarnation: period.link.incarnation }) }, " +
          'lifetime: "persistent" }).catch(() => undefined);',
      },
    ],
    test: { project: "@podlink/server-driver", file: "test/one-owner.property.test.ts" },
    finding: /the removed link of \w+ was made again/,
  },
  {
    name: "late-fill",
    fault: "the link cache keeps an answer that was asked for before its uid was forgotten",
    instrument: "model-based property: client cache, invalidation, fills",
    patches: [
      {
        file: "packages/state-cache/src/link-cache.ts",
        find: "if (this.#deletions[group] !== deletions) {",
        replace: "if (this.#deletions[group]! < deletions!) {",
      },
    ],
    test: { project: "@podlink/client-driver", file: "test/link-cache.property.test.ts" },
    finding: /is cached, read before it was forgotten/,
  },
  {
    name: "open-guard",
    fault: "a drain moves a link before the guard is closed for it",
    instrument: "model-based property: drain",
    patches: [
      { file: "packages/server-driver/src/hand-off.ts", find: '    table.end(uid, "handed-off");\n', replace: "" },
    ],
    test: { project: "@podlink/server-driver", file: "test/drain.property.test.ts" },
    finding: /2 owners of/,
  },
  {
    name: "unfenced-write",
    fault: "the session store takes writes of whoever was an owner once",
    instrument: "fenced-write watcher",
    patches: [
      {
        file: "apps/stateful-server/src/redis-session/write.ts",
        find: "if seen[1] ~= ARGV[1] or seen[2] ~= ARGV[2] then",
        replace: "if false then",
      },
    ],
    test: { project: "@podlink/stateful-server", file: "test/fenced-writes.test.ts" },
    finding: /took a lower fence after a higher one/,
  },
  {
    name: "leaked-timer",
    fault: "a pod that has stopped leaves the timer of its verification behind",
    instrument: "handle watcher (`expectNothingLeftOpen`)",
    patches: [
      {
        file: "packages/server-driver/src/verification.ts",
        find: "    this.#stop.abort();\n    this.#timer?.cancel();\n",
        replace: "    this.#stop.abort();\n",
      },
    ],
    test: { project: "podlink", file: "test/redis.test.ts" },
    finding: /left open/i,
  },
];
