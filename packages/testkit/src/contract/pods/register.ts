import type { Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { expectRefused } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { LEASE_MS, podReport, ServiceProbe } from "./service-probe.ts";

export function registerTests(subject: Subject<Store>): void {
  describe("register", () => {
    test("fault 1: makes the row of a pod, pod 0 like any other, and gives the service its generation", async () => {
      const service = new ServiceProbe(subject);
      const result = await service.register({ podIndex: 0, life: "life-a", generation: "bits" });
      expect(result).toMatchObject({ registered: true, claimAfterMs: 0, generation: "bits" });
      expect(result).not.toHaveProperty("adopted");
      const reading = await service.read();
      expect(reading).toMatchObject({ generation: "bits", complete: true });
      expect(reading.rows).toMatchObject([{ podIndex: 0, life: "life-a", reportNumber: 0, serviceState: "Ready" }]);
      expect(reading.rows[0]?.incarnation).toBe(result.registered ? result.incarnation : undefined);
    });

    test("the generation of the first pod stays", async () => {
      const service = new ServiceProbe(subject);
      await service.given(1);
      const second = await service.register({ podIndex: 2, generation: "another" });
      expect(second).toMatchObject({ registered: true, generation: "generation-of-the-test" });
    });

    test("every registration has a higher incarnation, about the time in milliseconds", async () => {
      const service = new ServiceProbe(subject);
      const first = await service.given(1);
      const { nowMs } = await service.read();
      expect(Math.abs(first.incarnation - nowMs)).toBeLessThan(60_000);
      const again = await service.register({ ...first, expected: first.incarnation });
      expect(again).toMatchObject({ registered: true });
      expect(again.registered && again.incarnation).toBeGreaterThan(first.incarnation);
    });

    test("an incarnation is higher than the floor", async () => {
      const service = new ServiceProbe(subject);
      const first = await service.given(1);
      const floor = first.incarnation + 1_000_000_000;
      const again = await service.register({ ...first, expected: first.incarnation, floor });
      expect(again.registered && again.incarnation).toBeGreaterThan(floor);
    });

    test("finds another incarnation than expected: says which, and changes nothing", async () => {
      const service = new ServiceProbe(subject);
      const first = await service.given(1);
      for (const expected of [undefined, first.incarnation - 1]) {
        const { expected: _, ...rest } = service.registration({ podIndex: 1, life: "another" });
        const result = await subject.registry.register({ ...rest, ...(expected === undefined ? {} : { expected }) });
        expect(result).toEqual({ registered: false, found: first.incarnation });
      }
      expect(await service.row(1)).toMatchObject({ life: first.life, incarnation: first.incarnation });
    });

    test("expects a row where there is none: says so, and makes none", async () => {
      const service = new ServiceProbe(subject);
      expect(await service.register({ podIndex: 1, expected: 5 })).toEqual({ registered: false });
      const reading = await service.read();
      expect(reading.rows).toEqual([]);
      expect(reading).not.toHaveProperty("generation");
    });

    test("whose answer was lost is adopted when it is tried again", async () => {
      const service = new ServiceProbe(subject);
      const first = await service.given(1);
      const retry = await service.register({ podIndex: 1, life: first.life });
      expect(retry).toMatchObject({ registered: true, adopted: true, incarnation: first.incarnation });
      const again = await service.register({ ...first, expected: first.incarnation });
      const lateRetry = await service.register({ ...first, expected: first.incarnation });
      expect(lateRetry).toEqual({ ...again, adopted: true });
    });

    test("does not adopt a row that is not above the floor, nor a goodbye", async () => {
      const service = new ServiceProbe(subject);
      const first = await service.given(1);
      const tooLow = await service.register({ podIndex: 1, life: first.life, floor: first.incarnation });
      expect(tooLow).toEqual({ registered: false, found: first.incarnation });
      await service.leave(first);
      const late = await service.register({ podIndex: 1, life: first.life });
      expect(late).toEqual({ registered: false, found: first.incarnation });
      expect(await service.row(1)).toMatchObject({ serviceState: "Terminating" });
    });

    test("of two processes that start at once exactly one gets the row it expects", async () => {
      const service = new ServiceProbe(subject);
      const results = await Promise.all(["a", "b", "c"].map((life) => service.register({ podIndex: 1, life })));
      expect(results.filter((result) => result.registered)).toHaveLength(1);
    });

    describe("takeOver", () => {
      test("wait: after the row of another process nothing is claimed for one lease of that row", async () => {
        const service = new ServiceProbe(subject);
        const old = await service.given(1, { leaseMs: 7000 });
        const result = await service.register({ podIndex: 1, life: "new", expected: old.incarnation });
        expect(result).toMatchObject({ registered: true, claimAfterMs: 7000 });
      });

      test("wait: a repeated registration answers the same", async () => {
        const service = new ServiceProbe(subject);
        const old = await service.given(1, { leaseMs: 7000 });
        const registration = { podIndex: 1, life: "new", expected: old.incarnation };
        const first = await service.register(registration);
        expect(await service.register(registration)).toEqual({ ...first, adopted: true });
      });

      test("wait: a wait that has not ended passes on to the next registration", async () => {
        const service = new ServiceProbe(subject);
        const old = await service.given(1, { leaseMs: 60_000 });
        const pending = podReport({ serviceState: "Pending" });
        const second = await service.register({ podIndex: 1, life: "b", expected: old.incarnation, report: pending });
        const expected = second.registered ? second.incarnation : 0;
        const same = await service.register({ podIndex: 1, life: "b", expected, report: pending });
        expect(same).toMatchObject({ registered: true, claimAfterMs: 60_000 });
        const third = { podIndex: 1, life: "c", expected: same.registered ? same.incarnation : 0 };
        expect(await service.register(third)).toMatchObject({ registered: true, claimAfterMs: 60_000 });
      });

      test("wait: reporting Pending is not the end of it", async () => {
        const service = new ServiceProbe(subject);
        const old = await service.given(1);
        const second = await service.register({ podIndex: 1, life: "b", expected: old.incarnation });
        const pod = { podIndex: 1, life: "b", incarnation: second.registered ? second.incarnation : 0 };
        await service.report(pod, { serviceState: "Pending" });
        const again = await service.register({ ...pod, expected: pod.incarnation });
        expect(again).toMatchObject({ registered: true, claimAfterMs: LEASE_MS });
      });

      test("wait: a pod that has said Ready has waited", async () => {
        const service = new ServiceProbe(subject);
        const old = await service.given(1);
        const second = await service.register({ podIndex: 1, life: "b", expected: old.incarnation });
        const pod = { podIndex: 1, life: "b", incarnation: second.registered ? second.incarnation : 0 };
        await service.report(pod, { serviceState: "Ready" });
        const again = await service.register({ ...pod, expected: pod.incarnation });
        expect(again).toMatchObject({ registered: true, claimAfterMs: 0 });
      });

      test("wait: nothing to wait for after a goodbye, a row of one's own, or no row", async () => {
        const service = new ServiceProbe(subject);
        const first = await service.given(1);
        const own = await service.register({ ...first, expected: first.incarnation });
        expect(own).toMatchObject({ registered: true, claimAfterMs: 0 });
        const incarnation = own.registered ? own.incarnation : 0;
        await service.leave({ ...first, incarnation });
        const next = await service.register({ podIndex: 1, life: "next", expected: incarnation });
        expect(next).toMatchObject({ registered: true, claimAfterMs: 0 });
      });

      test("now: claims at once", async () => {
        const service = new ServiceProbe(subject);
        const old = await service.given(1);
        const result = await service.register({
          podIndex: 1,
          life: "new",
          expected: old.incarnation,
          takeOver: "now",
        });
        expect(result).toMatchObject({ registered: true, claimAfterMs: 0 });
      });
    });

    test.each<[string, object]>([
      ["namespace", { namespace: "A" }],
      ["service", { service: "-" }],
      ["podIndex", { podIndex: -1 }],
      ["life", { life: "" }],
      ["generation", { generation: "" }],
      ["expected", { expected: 0 }],
      ["floor", { floor: -5 }],
      ["takeOver", { takeOver: "later" }],
      ["report", { report: undefined }],
      ["serviceState", { report: podReport({ serviceState: "ready" as never }) }],
      ["routingState", { report: podReport({ routingState: 0 as never }) }],
      ["loadScore", { report: podReport({ loadScore: 101 }) }],
      ["loadState", { report: podReport({ loadState: -1 }) }],
      ["linkCount", { report: podReport({ linkCount: 0.5 }) }],
      ["leaseMs", { report: podReport({ leaseMs: 0 }) }],
      ["weight", { report: podReport({ weight: 0 }) }],
      ["address", { report: podReport({ address: null as never }) }],
      ["zone", { report: podReport({ zone: 1 as never }) }],
      ["version", { report: podReport({ version: "v".repeat(257) }) }],
      ["metadata", { report: podReport({ metadata: undefined as never }) }],
      ["address.host", { report: podReport({ address: { host: "a b" } }) }],
      ["address.httpPort", { report: podReport({ address: { host: "a", httpPort: 0 } }) }],
      [
        "metadata",
        { report: podReport({ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ""])) }) },
      ],
    ])("refuses a bad %s", async (field, changes) => {
      const service = new ServiceProbe(subject);
      await expectRefused(service.register(changes), field);
      expect((await service.read()).rows).toEqual([]);
    });

    test("refuses what is no call at all", async () => {
      await expectRefused(subject.registry.register(undefined as never), "call");
      await expectRefused(subject.registry.report(null as never), "call");
      await expectRefused(subject.registry.leave("pod" as never), "call");
    });

    test("keeps a lease of its own for each pod", async () => {
      const service = new ServiceProbe(subject);
      await service.given(1);
      await service.given(2, { leaseMs: 2 * LEASE_MS });
      expect((await service.read()).rows.map((row) => row.leaseMs)).toEqual([LEASE_MS, 2 * LEASE_MS]);
    });
  });
}
