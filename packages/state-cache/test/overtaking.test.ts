import type { PodReading, PodRow } from "@podlink/types";
import { beforeEach, describe, expect, it } from "vitest";
import { PodTable } from "../src/pod-table.ts";
import { rowOf } from "./world.ts";

const reading = (rows: PodRow[], parts: Partial<PodReading> = {}): PodReading => ({
  nowMs: 1_000_000,
  generation: "g",
  sequence: 9,
  complete: false,
  rows,
  silent: [],
  silentCount: 0,
  ...parts,
});
const fresh = { reportedAtMs: 1_000_000, leaseMs: 10_000 };

let table: PodTable;
beforeEach(() => {
  table = new PodTable({ silenceMs: 4500, overloadScore: 95, slowStartMs: 0 }, () => undefined);
});

describe("readings and pushes that overtake one another", () => {
  it("an older report of the same sequence number doesn't replace a newer one", () => {
    const row = (reportNumber: number): PodRow =>
      rowOf({ ...fresh, reportNumber, sequence: 5, linkCount: reportNumber });
    table.takeReading({ reading: reading([row(7)], { complete: true }), begunAtMs: 100, arrivedAtMs: 101 });
    table.takeReading({ reading: reading([row(6)]), begunAtMs: 102, arrivedAtMs: 103 });
    expect(table.view(0, 103)?.row.linkCount).toBe(7);
    table.takePush(rowOf({ ...fresh, incarnation: 0, sequence: 99 }), 104); // a former life
    expect(table.view(0, 104)?.row.incarnation).toBe(1);
  });

  it("a slow reading from before a goodbye doesn't undo it", () => {
    const row = rowOf({ ...fresh, reportNumber: 4, sequence: 5 });
    table.takeReading({ reading: reading([row], { complete: true }), begunAtMs: 100, arrivedAtMs: 101 });
    table.takePush({ ...row, serviceState: "Terminating", routingState: "Shutdown", sequence: 6 }, 150);
    table.takeReading({ reading: reading([row]), begunAtMs: 140, arrivedAtMs: 160 });
    expect(table.view(0, 160)).toMatchObject({ goodbye: true, alive: false });
  });

  it("a pod published while a complete reading was under way is not missing", () => {
    table.takeReading({ reading: reading([], { complete: true }), begunAtMs: 100, arrivedAtMs: 101 });
    table.takePush(rowOf({ ...fresh, podIndex: 3, sequence: 10 }), 205);
    table.takeReading({ reading: reading([], { complete: true }), begunAtMs: 200, arrivedAtMs: 210 });
    expect(table.view(3, 210)).toMatchObject({ alive: true });
    expect(table.evidence.nextEndMs()).toBe(Number.POSITIVE_INFINITY);
    table.takeReading({ reading: reading([], { complete: true }), begunAtMs: 300, arrivedAtMs: 301 });
    expect(table.evidence.nextEndMs()).toBe(205 + 10_000);
    table.takeReading({ reading: reading([], { complete: true }), begunAtMs: 10_300, arrivedAtMs: 10_301 });
    expect(table.view(3, 10_301)).toBeUndefined();
  });

  it("what a reading says of the silence before a newer push doesn't count", () => {
    table.takeReading({
      reading: reading([rowOf({ ...fresh })], { complete: true }),
      begunAtMs: 100,
      arrivedAtMs: 101,
    });
    table.takePush(rowOf({ ...fresh, reportNumber: 4, sequence: 10 }), 20_000);
    const silent = [{ podIndex: 0, incarnation: 1, reportNumber: 3, ageMs: 19_000 }];
    table.takeReading({ reading: reading([], { silent, silentCount: 1 }), begunAtMs: 19_999, arrivedAtMs: 20_001 });
    expect(table.view(0, 20_001)).toMatchObject({ alive: true });
    expect(table.evidence.silent.size).toBe(0);
  });

  it("after the store was emptied, a row that looks older is the newer one", () => {
    const old = rowOf({ ...fresh, incarnation: 9, sequence: 50 });
    table.takeReading({ reading: reading([old], { complete: true }), begunAtMs: 100, arrivedAtMs: 101 });
    const anew = reading([rowOf({ ...fresh, incarnation: 3, sequence: 1 })], { complete: true, generation: "h" });
    table.takeReading({ reading: anew, begunAtMs: 200, arrivedAtMs: 201 });
    expect(table.view(0, 201)?.row.incarnation).toBe(3);
  });

  it("after a failover that lost the newest changes, what follows counts again", () => {
    const known = rowOf({ ...fresh, sequence: 100 });
    table.takeReading({
      reading: reading([known], { complete: true, sequence: 100 }),
      begunAtMs: 100,
      arrivedAtMs: 101,
    });
    const lost = rowOf({ ...fresh, sequence: 90 });
    table.takeReading({ reading: reading([lost], { complete: true, sequence: 92 }), begunAtMs: 200, arrivedAtMs: 201 });
    const goodbye = rowOf({ ...fresh, sequence: 95, serviceState: "Terminating", routingState: "Shutdown" });
    table.takeReading({ reading: reading([goodbye], { sequence: 95 }), begunAtMs: 300, arrivedAtMs: 301 });
    expect(table.view(0, 301)).toMatchObject({ goodbye: true, available: false });
  });

  it("a goodbye whose row was dropped is not shown any more", () => {
    const goodbye = rowOf({ ...fresh, serviceState: "Terminating", routingState: "Shutdown" });
    table.takeReading({ reading: reading([goodbye], { complete: true }), begunAtMs: 100, arrivedAtMs: 101 });
    expect(table.views(101)).toHaveLength(1);
    table.takeReading({ reading: reading([], { complete: true }), begunAtMs: 200, arrivedAtMs: 201 });
    expect(table.views(201)).toEqual([]);
  });
});
