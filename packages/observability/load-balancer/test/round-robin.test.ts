import { describe, expect, it } from "vitest";
import { roundRobin } from "@podlink/load-balancer";
import { seeded, snapshotOf, tally } from "./snapshots.ts";

describe("round robin", () => {
  it("takes the pods in turn, whatever their load", () => {
    const balancer = roundRobin();
    const pods = snapshotOf([{ linkCount: 1e6 }, { loadScore: 90 }, { weight: 9 }]);
    expect(tally(3, 300, () => balancer.select(pods))).toEqual([100, 100, 100]);
  });

  it("fault 22: callers that start together don't go round in step", () => {
    const pods = snapshotOf(Array.from({ length: 10 }, () => ({})));
    const random = seeded(1);
    const firsts = Array.from({ length: 50 }, () => roundRobin({ random }).select(pods));
    expect(new Set(firsts).size).toBeGreaterThan(5);
  });

  it("fault 1: pod 0, the only pod, is chosen", () => {
    expect(roundRobin().select(snapshotOf([{ podIndex: 0 }]))).toBe(0);
  });

  it("passes over the excepted one", () => {
    const balancer = roundRobin();
    const pods = snapshotOf([{}, {}, {}]);
    expect(tally(3, 100, () => balancer.select(pods, { except: 1 }))[1]).toBe(0);
  });

  it("chooses none where there is none, or only the excepted one", () => {
    expect(roundRobin().select(snapshotOf([]))).toBeUndefined();
    expect(roundRobin().select(snapshotOf([{}]), { except: 0 })).toBeUndefined();
  });

  it("goes on when pods come and go", () => {
    const balancer = roundRobin();
    for (let turn = 0; turn < 10; turn += 1) balancer.select(snapshotOf([{}, {}, {}, {}]));
    expect(balancer.select(snapshotOf([{}]))).toBe(0);
  });
});
