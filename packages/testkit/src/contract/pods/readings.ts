import type { PodReading, PodRow, Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { expectRefused } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { ServiceProbe } from "./service-probe.ts";

/** More than an operation on many takes at a time. */
const MORE_THAN_A_BATCH = 129;

export function readingTests(subject: Subject<Store>): void {
  describe("readings", () => {
    test("of a service without pods have no generation and no rows", async () => {
      const reading = await new ServiceProbe(subject).read();
      expect(reading).toMatchObject({ sequence: 0, complete: true, rows: [], silent: [], silentCount: 0 });
      expect(reading).not.toHaveProperty("generation");
    });

    test("hold all pods, ordered by pod index, and are frozen", async () => {
      const service = new ServiceProbe(subject);
      for (const podIndex of [10, 2, 0]) await service.given(podIndex);
      const reading = await service.read();
      expect(reading.rows.map((row) => row.podIndex)).toEqual([0, 2, 10]);
      const [row] = reading.rows;
      for (const part of [reading, reading.rows, reading.silent, row, row?.address, row?.metadata]) {
        expect(Object.isFrozen(part)).toBe(true);
      }
    });

    test("keep services and namespaces apart", async () => {
      const one = new ServiceProbe(subject);
      await one.given(1);
      expect((await new ServiceProbe(subject).read()).rows).toEqual([]);
      expect((await subject.store.readPods(subject.otherNamespace, one.service)).rows).toEqual([]);
    });

    test("that name what is known bring only what changed since", async () => {
      const service = new ServiceProbe(subject);
      await service.given(0);
      const pod = await service.given(1);
      const before = await service.read();
      expect(await service.readSince(before)).toMatchObject({ complete: false, rows: [], sequence: before.sequence });
      await service.report(pod, { routingState: "DenyNewCall" });
      const after = await service.readSince(before);
      expect(after).toMatchObject({ complete: false, rows: [{ podIndex: 1, routingState: "DenyNewCall" }] });
      expect(after.sequence).toBeGreaterThan(before.sequence);
    });

    test("that know another generation, none, or more than there is, bring all", async () => {
      const service = new ServiceProbe(subject);
      await service.given(0);
      const { generation = "", sequence } = await service.read();
      for (const known of [
        { generation: "another", sequence },
        { generation, sequence: sequence + 1 },
      ]) {
        expect(await service.read({ known })).toMatchObject({ complete: true, rows: [{ podIndex: 0 }] });
      }
    });

    test("bring what changed, however much it is, and nothing else", async () => {
      const service = new ServiceProbe(subject);
      await service.given(500);
      const before = await service.read();
      const podIndexes = Array.from({ length: MORE_THAN_A_BATCH }, (_, podIndex) => podIndex);
      for (const podIndex of podIndexes) await service.given(podIndex);
      const after = await service.readSince(before);
      expect(after).toMatchObject({ complete: false, sequence: (await service.read()).sequence });
      expect(after.rows.map((row) => row.podIndex)).toEqual(podIndexes);
    });

    test("fault 17: readings that follow the sequence end up with what a whole reading holds", async () => {
      const service = new ServiceProbe(subject);
      const rows = new Map<number, PodRow>();
      let reading: PodReading = await service.read();
      const follow = async (): Promise<void> => {
        reading = await service.readSince(reading);
        for (const row of reading.rows) rows.set(row.podIndex, row);
      };
      for (let podIndex = 0; podIndex < 5; podIndex += 1) {
        const pod = await service.given(podIndex);
        await follow();
        await service.report(pod, { loadScore: 20 * podIndex, linkCount: 100 * podIndex });
        await follow();
        if (podIndex % 2 === 0) await service.leave(pod);
      }
      await follow();
      expect([...rows.values()].toSorted((a, b) => a.podIndex - b.podIndex)).toEqual((await service.read()).rows);
    });

    test("refuse bad arguments", async () => {
      const { namespace } = subject;
      await expectRefused(subject.store.readPods("", "room"), "namespace");
      await expectRefused(subject.store.readPods(namespace, "a/b"), "service");
      await expectRefused(subject.store.readPods(namespace, "room", { silenceMs: 0 }), "silenceMs");
      await expectRefused(subject.store.readPods(namespace, "room", { timeoutMs: -1 }), "timeoutMs");
      const known = { generation: "g", sequence: -1 };
      await expectRefused(subject.store.readPods(namespace, "room", { known }), "known.sequence");
    });
  });
}
