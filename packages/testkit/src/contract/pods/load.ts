import type { PodReport, Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { ServiceProbe } from "./service-probe.ts";

const START = { loadScore: 50, linkCount: 1000 };

/** Reports that are worth a sequence number, for the row as it started; and reports that are not. */
const moves: readonly [name: string, changes: Partial<PodReport>, sequenced: boolean][] = [
  ["a score 4.9 points higher", { ...START, loadScore: 54.9 }, false],
  ["a score 5 points higher", { ...START, loadScore: 55 }, true],
  ["a score 5 points lower", { ...START, loadScore: 45 }, true],
  ["links 1.9 % more", { ...START, linkCount: 1019 }, false],
  ["links 2 % more", { ...START, linkCount: 1020 }, true],
  ["links 2 % less", { ...START, linkCount: 980 }, true],
  ["another load state alone", { ...START, loadState: 9 }, false],
  ["other metadata alone", { ...START, metadata: { a: "b" } }, false],
];

export function loadTests(subject: Subject<Store>): void {
  describe("load in readings", () => {
    test.each(moves)("fault 22: %s (%o) takes a sequence number: %s", async (_, changes, sequenced) => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(0, START);
      const before = await service.read();
      await service.report(pod, changes);
      const after = await service.readSince(before);
      expect(after.rows.map((row) => row.podIndex)).toEqual(sequenced ? [0] : []);
      expect(await service.row(0)).toMatchObject(changes);
    });

    test("few links count from five on", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(0, { linkCount: 10 });
      const before = await service.read();
      await service.report(pod, { linkCount: 14 });
      expect((await service.readSince(before)).rows).toEqual([]);
      await service.report(pod, { linkCount: 15 });
      expect((await service.readSince(before)).rows).toMatchObject([{ linkCount: 15 }]);
    });

    test("a report that tells nothing new leaves the service's number as it is", async () => {
      const service = new ServiceProbe(subject);
      const first = await service.given(0, START);
      await service.given(1, START);
      const before = await service.read();
      await service.report(first, { ...START, loadState: 3 });
      const after = await service.readSince(before);
      expect(after).toMatchObject({ complete: false, rows: [], sequence: before.sequence });
      expect((await service.given(2)) && (await service.read()).sequence).toBe(before.sequence + 1);
    });

    test("is measured since the row last took a number, so that small steps add up", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(0, { loadScore: 10 });
      const before = await service.read();
      for (const loadScore of [12, 14]) {
        await service.report(pod, { loadScore });
        expect((await service.readSince(before)).rows).toEqual([]);
      }
      await service.report(pod, { loadScore: 15 });
      const after = await service.readSince(before);
      expect(after.rows).toMatchObject([{ loadScore: 15 }]);
      await service.report(pod, { loadScore: 19 });
      expect((await service.readSince(after)).rows).toEqual([]);
    });
  });
}
