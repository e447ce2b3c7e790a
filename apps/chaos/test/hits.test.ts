import { describe, expect, it } from "vitest";
import type { Happened } from "../src/acts.ts";
import type { Path } from "../src/hits.ts";
import { hitBy, hitsOf } from "../src/hits.ts";
import type { ScheduledFault } from "../src/schedule.ts";
import { failoverBoundMs, withoutStoreMs } from "../src/times.ts";

const FROM = 10_000;
const fault = (kind: ScheduledFault["kind"], lastsMs: number, whom: Partial<ScheduledFault> = {}): Happened => ({
  fault: { kind, atMs: 0, lastsMs, ...whom },
  fromMs: FROM,
  toMs: FROM + lastsMs,
  problems: [],
});
const path = (atMs: number, rest: Partial<Path> = {}): Path => ({
  fromMs: atMs,
  toMs: atMs + 5,
  gateway: 0,
  pods: new Set([1]),
  asksStore: false,
  ...rest,
});
const isHit = (one: Path, ...faults: Happened[]) => hitBy(one, hitsOf(faults)) !== undefined;

describe("a pod that is killed", () => {
  const kill = fault("pod-kill", 0, { pod: 1 });

  it("hits those whom it held, until the failover bound is over, and nobody before", () => {
    expect(isHit(path(FROM - 100), kill)).toBe(false);
    expect(isHit(path(FROM - 2), kill)).toBe(true);
    expect(isHit(path(FROM + failoverBoundMs), kill)).toBe(true);
    expect(isHit(path(FROM + failoverBoundMs + 1), kill)).toBe(false);
  });

  it("hits nobody of another pod", () => {
    expect(isHit(path(FROM + 1, { pods: new Set([0, 2]) }), kill)).toBe(false);
  });

  it("hits for longer when the store can't be reached meanwhile: failover begins after that", () => {
    const outage = { ...fault("store-freeze", 900), fromMs: FROM + 2000, toMs: FROM + 2900 };
    expect(isHit(path(FROM + 2900 + failoverBoundMs), kill, outage)).toBe(true);
    expect(isHit(path(FROM + 2901 + failoverBoundMs), kill, outage)).toBe(false);
  });
});

it.each(["answers-lost", "answers-late"] as const)(
  "%s hit those of that pod, while they last and no longer",
  (kind) => {
    const lost = fault(kind, 3000, { pod: 1 });
    expect(isHit(path(FROM + 1), lost)).toBe(true);
    expect(isHit(path(FROM + 1, { pods: new Set([2]) }), lost)).toBe(false);
    expect(isHit(path(FROM + 3001), lost)).toBe(false);
  },
);

it("late requests hit those of that pod, until the failover bound is over", () => {
  const late = fault("requests-late", 9000, { pod: 1 });
  expect(isHit(path(FROM + 9000 + failoverBoundMs), late)).toBe(true);
  expect(isHit(path(FROM + 9001 + failoverBoundMs), late)).toBe(false);
  expect(isHit(path(FROM + 1, { pods: new Set([2]) }), late)).toBe(false);
});

describe("a pod that is cut off from the store", () => {
  it("for less than its lease hits nobody whom it holds, for longer all of them", () => {
    const [short, long] = [withoutStoreMs - 1, withoutStoreMs].map((ms) => fault("pod-cut-off-store", ms, { pod: 1 }));
    expect(isHit(path(FROM + 1), short as Happened)).toBe(false);
    expect(isHit(path(FROM + 1, { asksStore: true }), short as Happened)).toBe(true);
    expect(isHit(path(FROM + 1), long as Happened)).toBe(true);
  });
});

describe("a store that is down", () => {
  it("for less than a lease hits only those for whom it has to be asked", () => {
    expect(isHit(path(FROM + 500), fault("store-kill", 900))).toBe(false);
    expect(isHit(path(FROM + 500, { asksStore: true }), fault("store-kill", 900))).toBe(true);
  });

  it("for longer hits everybody, from when leases are over", () => {
    const outage = fault("store-freeze", withoutStoreMs + 1000);
    expect(isHit(path(FROM + withoutStoreMs - 10), outage)).toBe(false);
    expect(isHit(path(FROM + withoutStoreMs), outage)).toBe(true);
    expect(isHit(path(outage.toMs + failoverBoundMs), outage)).toBe(true);
    expect(isHit(path(outage.toMs + failoverBoundMs + 1), outage)).toBe(false);
  });
});

it("a gateway that is cut off from the store hits its own requests for which it has to be asked", () => {
  const cut = fault("gateway-cut-off-store", 3000, { gateway: 0 });
  expect(isHit(path(FROM + 1, { asksStore: true }), cut)).toBe(true);
  expect(isHit(path(FROM + 1), cut)).toBe(false);
  expect(isHit(path(FROM + 1, { asksStore: true, gateway: 1 }), cut)).toBe(false);
});

it.each(["rolling-restart", "scale", "connections-killed", "scripts-flushed"] as const)("%s hits nobody", (kind) => {
  expect(isHit(path(FROM + 1, { asksStore: true }), fault(kind, 5000))).toBe(false);
});
