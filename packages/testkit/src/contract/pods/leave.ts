import type { PodReport, Store } from "@podlink/types";
import { isGoodbye } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { expectRefused } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { ServiceProbe } from "./service-probe.ts";

const DAY_MS = 86_400_000;

export function leaveTests(subject: Subject<Store>): void {
  describe("leave", () => {
    test("leaves the row as a goodbye that readings contain", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(1, { zone: "a" });
      expect(await service.leave(pod)).toEqual({ left: true });
      const row = await service.row(1);
      expect(row).toMatchObject({
        incarnation: pod.incarnation,
        serviceState: "Terminating",
        routingState: "Shutdown",
        zone: "a",
      });
      expect(row !== undefined && isGoodbye(row)).toBe(true);
    });

    test("repeated is answered the same and publishes nothing more", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      await service.leave(pod);
      const before = await service.read();
      expect(await service.leave(pod)).toEqual({ left: true });
      expect((await service.read()).sequence).toBe(before.sequence);
    });

    test("of another incarnation, or without a row, leaves nothing", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      expect(await service.leave({ ...pod, incarnation: pod.incarnation - 1 })).toEqual({ left: false });
      expect(await service.leave({ ...pod, podIndex: 2 })).toEqual({ left: false });
      expect(await service.row(1)).toMatchObject({ serviceState: "Ready" });
    });

    test("a goodbye is kept for a day, then the next registration drops it", async (context) => {
      context.skip(!subject.can("jumpsDays"), "time can't jump over days");
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      await subject.advance(3_600_000); // the day begins with the goodbye
      await service.leave(pod);
      await subject.advance(DAY_MS - 60_000);
      await service.given(2);
      expect(await service.row(1)).toBeDefined();
      await subject.advance(60_000);
      await service.given(3);
      expect((await service.read()).rows.map((row) => row.podIndex)).toEqual([2, 3]);
    });

    test("a goodbye counts as absent from the very millisecond at which its day is over", async (context) => {
      context.skip(!subject.can("jumpsDays") || !subject.can("exactTime"), "time can't jump over days, exactly");
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      await service.leave(pod);
      await subject.advance(DAY_MS - 1);
      expect(await service.register({ podIndex: 1, life: "next" })).toEqual({
        registered: false,
        found: pod.incarnation,
      });
      expect(await service.row(1)).toBeDefined();
      await subject.advance(1);
      expect(await service.register({ podIndex: 1, life: "next" })).toMatchObject({ registered: true });
    });

    test("a registration that finds another row than it expects drops old goodbyes too", async (context) => {
      context.skip(!subject.can("jumpsDays"), "time can't jump over days");
      const service = new ServiceProbe(subject);
      await service.leave(await service.given(1));
      await subject.advance(DAY_MS);
      expect(await service.register({ podIndex: 1, life: "next", expected: 5 })).toEqual({ registered: false });
      expect((await service.read()).rows).toEqual([]);
    });

    test("a row of long ago that is no goodbye is not absent for who registers", async (context) => {
      context.skip(!subject.can("jumpsDays"), "time can't jump over days");
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      await subject.advance(2 * DAY_MS);
      expect(await service.register({ podIndex: 1, life: "next" })).toEqual({
        registered: false,
        found: pod.incarnation,
      });
    });

    test.each<Partial<PodReport>>([
      { serviceState: "Ready", routingState: "Shutdown" },
      { serviceState: "Terminating", routingState: "Ready" },
    ])("only both states together are a goodbye: not %o", async (states) => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      expect(await service.report(pod, states)).toMatchObject({ accepted: true });
      expect(await service.report(pod, states)).toMatchObject({ accepted: true });
      expect(await service.leave(pod)).toEqual({ left: true });
      expect(await service.row(1)).toMatchObject({ serviceState: "Terminating", routingState: "Shutdown" });
    });

    test("old goodbyes are dropped by every hundredth report too, at most 128 at a time", async (context) => {
      context.skip(!subject.can("jumpsDays"), "time can't jump over days");
      const service = new ServiceProbe(subject);
      for (let podIndex = 0; podIndex < 150; podIndex += 1) await service.leave(await service.given(podIndex));
      const pod = await service.given(200);
      await subject.advance(DAY_MS);
      for (let count = 0; count < 99; count += 1) await service.report(pod);
      expect((await service.read()).rows).toHaveLength(151);
      await service.report(pod);
      expect((await service.read()).rows).toHaveLength(151 - 128);
      for (let count = 0; count < 100; count += 1) await service.report(pod);
      expect((await service.read()).rows.map((row) => row.podIndex)).toEqual([200]);
    });

    test("a silent row is never a goodbye: it stays", async (context) => {
      context.skip(!subject.can("jumpsDays"), "time can't jump over days");
      const service = new ServiceProbe(subject);
      await service.given(1);
      await subject.advance(2 * DAY_MS);
      await service.given(2);
      expect(await service.row(1)).toMatchObject({ serviceState: "Ready" });
    });

    test.each<[string, object]>([
      ["namespace", { namespace: "a.b" }],
      ["service", { service: "" }],
      ["podIndex", { podIndex: "1" }],
      ["incarnation", { incarnation: 0.5 }],
    ])("refuses a bad %s", async (field, changes) => {
      const leave = { namespace: subject.namespace, service: "room", podIndex: 1, incarnation: 5, ...changes };
      await expectRefused(subject.registry.leave(leave), field);
    });
  });
}
