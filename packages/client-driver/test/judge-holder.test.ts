import { expect, test } from "vitest";
import type { HolderFacts, HolderPod, HolderPolicy, Verdict } from "../src/judge-holder.ts";
import { judgeHolder } from "../src/judge-holder.ts";

// The lease was over at 20000, its grace at 30000; an older incarnation was heard of last at 10000. It is 50000 now, and
// the pods were just read.
const NOW = 50_000;
const policy: HolderPolicy = { mode: "auto", graceMs: 10_000, notReadyHandOverMs: 30_000, leaseMs: 10_000 };
const never: HolderPolicy = { ...policy, mode: "never" };

const pods = {
  available: pod({ available: true, alive: true }),
  goodbye: pod({ goodbye: true, row: { serviceState: "Terminating", routingState: "Shutdown" } }),
  failed: pod({ row: { serviceState: "Failed" } }),
  shutdown: pod({ alive: true, row: { routingState: "Shutdown" } }),
  silent: pod({ leaseOverAtMs: 20_000 }),
  notReady: pod({ alive: true, notAvailableSinceMs: 49_000, row: { serviceState: "NotReady" } }),
  notReadyForLong: pod({ alive: true, notAvailableSinceMs: 10_000, row: { serviceState: "NotReady" } }),
} satisfies Record<string, HolderPod>;

const reservation = { kind: "reservation" } as const;
const owned = { kind: "owned", incarnation: 7 } as const;
const goodbye = { kind: "goodbye", incarnation: 7 } as const;
const ownedBefore = { kind: "owned", incarnation: 6 } as const;
const ownedLater = { kind: "owned", incarnation: 8 } as const;

const keep: Verdict = { kind: "keep" };
const read: Verdict = { kind: "read" };
const waitForPod: Verdict = { kind: "wait" };
const waitUntil = (untilMs: number): Verdict => ({ kind: "wait", untilMs });
const atOnce = (reason: "goodbye" | "failed" | "shutdown"): Verdict => ({ kind: "replace", reason, paced: false });
const paced = (reason: "silent" | "not-available" | "superseded-holder"): Verdict => ({
  kind: "replace",
  reason,
  paced: true,
});

type Row = [name: string, facts: Partial<HolderFacts>, expected: Verdict, policy?: HolderPolicy];

const table: Row[] = [
  [
    "not ready for long, as of an old reading: the pods are read first, it may be ready again",
    { link: owned, pod: pods.notReadyForLong, readingBegunAtMs: 49_999 },
    read,
  ],
  [
    "Failed, and the readings fail: its owned link stays, it may be ready again",
    { link: owned, pod: pods.failed, frozenUntilMs: Infinity },
    read,
  ],
  [
    "Shutdown, and the readings fail: its owned link stays, it may be ready again",
    { link: owned, pod: pods.shutdown, frozenUntilMs: Infinity },
    read,
  ],
  [
    "goodbye, and the readings fail: moved, it is never taken back",
    { link: owned, pod: pods.goodbye, frozenUntilMs: Infinity },
    atOnce("goodbye"),
  ],
  [
    "back and gone for good, long ago: a link of its former life is moved even with failover never",
    { link: ownedBefore, pod: { ...pods.goodbye, leaseOverAtMs: 20_000 } },
    paced("superseded-holder"),
    never,
  ],
  ["an available pod keeps its reservation", { link: reservation, pod: pods.available }, keep],
  ["an available pod keeps its owned link", { link: owned, pod: pods.available }, keep],
  ["an available pod keeps its goodbye: the user comes back to it", { link: goodbye, pod: pods.available }, keep],

  // said goodbye, Failed, or Shutdown
  ["goodbye: its reservation is replaced at once", { link: reservation, pod: pods.goodbye }, atOnce("goodbye")],
  ["goodbye: its owned link is replaced at once", { link: owned, pod: pods.goodbye }, atOnce("goodbye")],
  ["Failed: its reservation is replaced at once", { link: reservation, pod: pods.failed }, atOnce("failed")],
  ["Failed: its owned link is replaced at once", { link: owned, pod: pods.failed }, atOnce("failed")],
  ["Shutdown: its reservation is replaced at once", { link: reservation, pod: pods.shutdown }, atOnce("shutdown")],
  ["Shutdown: its owned link is replaced at once", { link: owned, pod: pods.shutdown }, atOnce("shutdown")],
  ["goodbye: moved even with failover never", { link: owned, pod: pods.goodbye }, atOnce("goodbye"), never],
  [
    "goodbye: moved even within the freeze",
    { link: owned, pod: pods.goodbye, frozenUntilMs: 60_000 },
    atOnce("goodbye"),
  ],

  // silent past the lease
  ["silent: its reservation is replaced at once", { link: reservation, pod: silentUntil(49_999) }, paced("silent")],
  ["silent: its goodbye link counts as a reservation", { link: goodbye, pod: silentUntil(49_999) }, paced("silent")],
  [
    "silent: its reservation moves even with failover never",
    { link: reservation, pod: pods.silent },
    paced("silent"),
    never,
  ],
  ["silent: its owned link stays through the grace", { link: owned, pod: silentUntil(40_001) }, waitUntil(50_001)],
  ["silent: its owned link moves at the end of the grace", { link: owned, pod: silentUntil(40_000) }, paced("silent")],
  [
    "silent: a reading begun before the end of the grace confirms nothing",
    { link: owned, pod: pods.silent, readingBegunAtMs: 29_999 },
    read,
  ],
  [
    "silent: a reading begun at the end of the grace confirms it",
    { link: owned, pod: pods.silent, readingBegunAtMs: 30_000 },
    paced("silent"),
  ],
  [
    "silent: without any reading nothing is moved",
    { link: owned, pod: pods.silent, readingBegunAtMs: undefined },
    read,
  ],
  ["silent: failover never leaves its owned link", { link: owned, pod: pods.silent }, waitForPod, never],
  [
    "silent: while readings fail, nobody knows until when",
    { link: owned, pod: pods.silent, frozenUntilMs: Number.POSITIVE_INFINITY },
    waitForPod,
  ],
  ["silent: frozen, its owned link stays", { link: owned, pod: pods.silent, frozenUntilMs: 51_000 }, waitUntil(51_000)],
  [
    "silent: the confirming reading is begun after the freeze too",
    { link: owned, pod: pods.silent, frozenUntilMs: 45_000, readingBegunAtMs: 44_999 },
    read,
  ],
  [
    "silent: a reservation moves within the freeze",
    { link: reservation, pod: pods.silent, frozenUntilMs: 60_000 },
    paced("silent"),
  ],
  [
    "kept alive by the freeze and NotReady is not silent",
    { link: owned, pod: { ...pods.notReady, leaseOverAtMs: 20_000 } },
    waitUntil(89_000),
  ],
  [
    "silent and NotReady is silent",
    { link: owned, pod: { ...pods.silent, row: row({ serviceState: "NotReady" }) } },
    paced("silent"),
  ],

  // alive, not available
  [
    "not available: its reservation is replaced at once",
    { link: reservation, pod: pods.notReady },
    paced("not-available"),
  ],
  ["not available: its owned link waits for the hand-over", { link: owned, pod: pods.notReady }, waitUntil(89_000)],
  [
    "not available for long: its owned link is replaced",
    { link: owned, pod: pods.notReadyForLong },
    paced("not-available"),
  ],
  [
    "not available for long: with failover never too",
    { link: owned, pod: pods.notReadyForLong },
    paced("not-available"),
    never,
  ],
  [
    "not available one moment short of hand-over and grace: it waits",
    { link: owned, pod: { ...pods.notReady, notAvailableSinceMs: 10_001 } },
    waitUntil(50_001),
  ],
  [
    "Unknown is not available, and has the time of a pod that reports",
    { link: owned, pod: pod({ notAvailableSinceMs: 49_000, row: { serviceState: "Unknown" } }) },
    waitUntil(89_000),
  ],

  // back with a higher incarnation than the link's
  ["back and Ready: its owned link stays", { link: ownedBefore, pod: pods.available }, keep],
  ["back and Ready: its goodbye link stays", { link: { kind: "goodbye", incarnation: 6 }, pod: pods.available }, keep],
  [
    "back, not Ready: a goodbye link is replaced at once",
    { link: { kind: "goodbye", incarnation: 6 }, pod: pods.notReady },
    paced("superseded-holder"),
  ],
  [
    "back, not Ready: its owned link stays through lease and grace of the link's incarnation",
    { link: ownedBefore, pod: pods.notReady, silentSinceMs: 30_001 },
    waitUntil(50_001),
  ],
  [
    "back, not Ready: its owned link is replaced after lease and grace of the link's incarnation",
    { link: ownedBefore, pod: pods.notReady, silentSinceMs: 30_000 },
    paced("superseded-holder"),
  ],
  [
    "back, not Ready: moved with failover never too",
    { link: ownedBefore, pod: pods.notReady },
    paced("superseded-holder"),
    never,
  ],
  ["back and silent again: failover never leaves it", { link: ownedBefore, pod: pods.silent }, waitForPod, never],
  [
    "back and Failed: the link's own incarnation did not fail, so it has its lease and grace",
    { link: ownedBefore, pod: pods.failed, silentSinceMs: 45_000 },
    waitUntil(65_000),
  ],

  // a link of a higher incarnation than the row
  ["an unknown life: the pods are read first", { link: ownedLater, pod: pods.goodbye, linkSeenAtMs: NOW + 1 }, read],
  ["an unknown life after reading: nothing is replaced", { link: ownedLater, pod: pods.goodbye }, waitForPod],
  [
    "an unknown life of a silent pod after reading: nothing is replaced",
    { link: ownedLater, pod: pods.silent },
    waitForPod,
  ],
  ["an unknown life of an available pod after reading: served", { link: ownedLater, pod: pods.available }, keep],

  // no row
  ["no row: the pods are read first", { link: reservation, pod: undefined, linkSeenAtMs: NOW + 1 }, read],
  [
    "no row is silence, not a goodbye: a reservation stays for a lease",
    { link: reservation, pod: undefined, silentSinceMs: 45_000 },
    waitUntil(55_000),
  ],
  [
    "no row for a lease: a reservation is replaced",
    { link: reservation, pod: undefined, silentSinceMs: 40_000 },
    paced("silent"),
  ],
  [
    "no row: an owned link stays for lease and grace",
    { link: owned, pod: undefined, silentSinceMs: 35_000 },
    waitUntil(55_000),
  ],
  [
    "no row for lease and grace: an owned link is replaced",
    { link: owned, pod: undefined, silentSinceMs: 30_000 },
    paced("silent"),
  ],
  ["no row: failover never leaves an owned link", { link: owned, pod: undefined }, waitForPod, never],
];

test.each(table)("%s", (_name, facts, expected, by = policy) => {
  const all: HolderFacts = {
    nowMs: NOW,
    link: reservation,
    linkSeenAtMs: NOW,
    silentSinceMs: 10_000,
    readingBegunAtMs: NOW,
    frozenUntilMs: 0,
    ...facts,
  };
  expect(judgeHolder(all, by)).toEqual(expected);
});

function row(parts: Partial<HolderPod["row"]> = {}): HolderPod["row"] {
  return { incarnation: 7, serviceState: "Ready", routingState: "Ready", leaseMs: 10_000, ...parts };
}

function pod(parts: Partial<Omit<HolderPod, "row">> & { row?: Partial<HolderPod["row"]> }): HolderPod {
  return { goodbye: false, alive: false, available: false, leaseOverAtMs: 60_000, ...parts, row: row(parts.row) };
}

function silentUntil(leaseOverAtMs: number): HolderPod {
  return { ...pods.silent, leaseOverAtMs };
}
