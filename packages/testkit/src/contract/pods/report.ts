import type { PodReport, Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { expectRefused } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { podReport, ServiceProbe } from "./service-probe.ts";

export function reportTests(subject: Subject<Store>): void {
  describe("report", () => {
    test("fault 9: what a pod reports is what a reader gets, every part of it", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(0);
      const said: PodReport = {
        serviceState: "NotReady",
        routingState: "DenyNewCall",
        loadState: 42.5,
        loadScore: 63.25,
        linkCount: 1234,
        leaseMs: 12_345,
        address: { host: "pod-0.room.svc", httpPort: 8080, grpcPort: 9090 },
        weight: 2.5,
        zone: "zone-b",
        version: "1.2.3",
        metadata: { pid: "77", __proto__x: "é", state: "state" },
      };
      expect(await service.report(pod, said)).toEqual({
        accepted: true,
        generation: "generation-of-the-test",
        writesWorkload: true,
      });
      const row = await service.row(0);
      expect(row).toEqual({
        ...said,
        ...pod,
        reportNumber: 1,
        reportedAtMs: row?.reportedAtMs,
        sequence: row?.sequence,
      });
    });

    test("what a pod no longer says is gone", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(0, { zone: "a", version: "1", metadata: { one: "1" } });
      const { address: _, ...addressless } = podReport();
      await service.report(pod, {}, { report: addressless });
      const row = await service.row(0);
      for (const part of ["address", "zone", "version"]) expect(row).not.toHaveProperty(part);
      expect(row?.metadata).toEqual({});
    });

    test("carries the store's clock at the report", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(0);
      const before = (await service.row(0))?.reportedAtMs ?? 0;
      await subject.advance(3000);
      await service.report(pod);
      expect(((await service.row(0))?.reportedAtMs ?? 0) - before).toBeGreaterThanOrEqual(3000);
    });

    test("without a row is gone, and makes none", async () => {
      const service = new ServiceProbe(subject);
      const stranger = { podIndex: 3, life: "x", incarnation: 7 };
      expect(await service.report(stranger)).toEqual({ accepted: false, reason: "gone" });
      expect((await service.read()).rows).toEqual([]);
    });

    test("that finds its own life under another incarnation is gone", async () => {
      const service = new ServiceProbe(subject);
      const first = await service.given(1);
      const again = await service.register({ ...first, expected: first.incarnation });
      const found = again.registered ? again.incarnation : undefined;
      expect(await service.report(first)).toEqual({ accepted: false, reason: "gone", found });
    });

    test("of a process that was superseded is refused, and overwrites nothing", async () => {
      const service = new ServiceProbe(subject);
      const first = await service.given(1);
      const newer = await service.register({ podIndex: 1, life: "newer", expected: first.incarnation });
      const found = newer.registered ? newer.incarnation : undefined;
      expect(await service.report(first, { serviceState: "Failed" })).toEqual({
        accepted: false,
        reason: "superseded",
        found,
      });
      expect(await service.row(1)).toMatchObject({ life: "newer", serviceState: "Ready" });
    });

    test("of another life under the same incarnation is superseded", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      expect(await service.report({ ...pod, life: "double" })).toMatchObject({ reason: "superseded" });
    });

    test("of a higher incarnation than the row's, of another life, is gone", async () => {
      const service = new ServiceProbe(subject);
      const old = await service.given(1);
      const lost = { podIndex: 1, life: "lost", incarnation: old.incarnation + 5 };
      expect(await service.report(lost)).toEqual({ accepted: false, reason: "gone", found: old.incarnation });
    });

    test("after the goodbye is superseded and revives nothing", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      await service.leave(pod);
      expect(await service.report(pod)).toMatchObject({ accepted: false, reason: "superseded" });
      expect(await service.row(1)).toMatchObject({ serviceState: "Terminating", routingState: "Shutdown" });
    });

    test("with a number that is not higher is ignored", async () => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      await service.report(pod, { loadState: 5 }, { reportNumber: 5 });
      for (const reportNumber of [5, 4, 1]) {
        const late = await service.report(pod, { loadState: 9 }, { reportNumber });
        expect(late).toMatchObject({ accepted: false, reason: "ignored" });
      }
      expect(await service.row(1)).toMatchObject({ loadState: 5, reportNumber: 5 });
      expect(await service.report(pod, { loadState: 6 }, { reportNumber: 6 })).toMatchObject({ accepted: true });
    });

    test.each<[string, object]>([
      ["namespace", { namespace: "" }],
      ["service", { service: undefined }],
      ["podIndex", { podIndex: 70_000 }],
      ["incarnation", { incarnation: 0 }],
      ["life", { life: "x".repeat(65) }],
      ["reportNumber", { reportNumber: 0 }],
      ["reportNumber", { reportNumber: 1.5 }],
      ["report", { report: null }],
      ["loadScore", { report: podReport({ loadScore: Number.NaN }) }],
      ["metadata", { report: podReport({ metadata: { a: 1 as never } }) }],
    ])("refuses a bad %s", async (field, changes) => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(0);
      await expectRefused(service.report(pod, {}, changes), field);
      expect(await service.row(0)).toMatchObject({ reportNumber: 0 });
    });
  });
}
