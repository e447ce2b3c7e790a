import type { Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { ServiceProbe, SILENCE_MS } from "./service-probe.ts";

const MAX_LISTED = 128;

export function silenceTests(subject: Subject<Store>): void {
  describe("silence", () => {
    test("fault 10: a pod that stops reporting is listed as silent, with the age of its last report", async () => {
      const service = new ServiceProbe(subject);
      const talking = await service.given(0);
      const quiet = await service.given(1);
      await service.report(quiet);
      await subject.advance(SILENCE_MS);
      await service.report(talking);
      const { silent, silentCount } = await service.read();
      expect(silentCount).toBe(1);
      expect(silent).toMatchObject([{ podIndex: 1, incarnation: quiet.incarnation, reportNumber: 1 }]);
      expect(silent[0]?.ageMs).toBeGreaterThanOrEqual(SILENCE_MS);
    });

    test("begins exactly when the last report is silenceMs ago", async (context) => {
      context.skip(!subject.can("exactTime"), "the store's time can't be set exactly");
      const service = new ServiceProbe(subject);
      await service.given(0);
      await subject.advance(SILENCE_MS - 1);
      expect((await service.read()).silentCount).toBe(0);
      await subject.advance(1);
      expect((await service.read()).silent).toMatchObject([{ podIndex: 0, ageMs: SILENCE_MS }]);
    });

    test("fault 23: silenceMs is the reader's to choose", async () => {
      const service = new ServiceProbe(subject);
      await service.given(0);
      await subject.advance(3000);
      expect((await service.read({ silenceMs: 3000 })).silentCount).toBe(1);
      expect((await service.read({ silenceMs: 60_000 })).silentCount).toBe(0);
    });

    test("is told in partial readings too, and ends with the next report", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(0);
      const before = await service.read();
      await subject.advance(SILENCE_MS);
      expect(await service.readSince(before)).toMatchObject({ complete: false, rows: [], silentCount: 1 });
      await service.report(pod);
      expect(await service.readSince(before)).toMatchObject({ silent: [], silentCount: 0 });
    });

    test("a goodbye is not silent, and an ignored report is no sign of life", async () => {
      const service = new ServiceProbe(subject);
      const gone = await service.given(0);
      await service.leave(gone);
      const pod = await service.given(1);
      await service.report(pod, {}, { reportNumber: 5 });
      await subject.advance(SILENCE_MS);
      await service.report(pod, {}, { reportNumber: 5 });
      expect((await service.read()).silent).toMatchObject([{ podIndex: 1 }]);
    });

    test("lists at most 128, the longest silent last, and counts all", async () => {
      const service = new ServiceProbe(subject);
      await service.given(1000);
      await subject.advance(1000);
      for (let podIndex = 0; podIndex < MAX_LISTED - 1; podIndex += 1) await service.given(podIndex);
      await subject.advance(SILENCE_MS);
      const full = await service.read();
      expect(full.silentCount).toBe(MAX_LISTED);
      expect(full.silent.at(-1)?.podIndex).toBe(1000);
      expect(full.silent.map((pod) => pod.ageMs)).toEqual(
        full.silent.map((pod) => pod.ageMs).toSorted((a, b) => a - b),
      );
      await service.given(2000);
      await subject.advance(SILENCE_MS);
      const cut = await service.read();
      expect(cut.silentCount).toBe(MAX_LISTED + 1);
      expect(cut.silent).toHaveLength(MAX_LISTED);
      expect(cut.silent[0]?.podIndex).toBe(2000);
    });
  });
}
