import type { PodEvent, PodReport, Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { errorOf } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { arrived, ServiceProbe } from "./service-probe.ts";

const published: readonly [name: string, changes: Partial<PodReport>][] = [
  ["the service state", { serviceState: "NotReady" }],
  ["the routing state", { routingState: "DenyNewCall" }],
  ["the host", { address: { host: "10.0.0.2", httpPort: 3000 } }],
  ["the HTTP port", { address: { host: "10.0.0.1", httpPort: 3001 } }],
  ["the gRPC port", { address: { host: "10.0.0.1", httpPort: 3000, grpcPort: 4000 } }],
  ["overload", { loadScore: 95 }],
];

function statesOf(events: readonly PodEvent[]): unknown[] {
  return events.map((event) => event.kind === "pod" && [event.row.podIndex, event.row.serviceState, event.sequence]);
}

export function podEventTests(subject: Subject<Store>): void {
  describe("pod events", () => {
    test("fault 13: tell every registration, change and goodbye, in order, with growing sequence numbers", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const { events, sequence } = await service.watch();
      const pod = await service.given(1);
      await service.report(pod, { serviceState: "NotReady" });
      await service.report(pod, { serviceState: "Ready" });
      await service.leave(pod);
      await arrived(events, 4);
      expect(statesOf(events)).toEqual([
        [1, "Ready", sequence + 1],
        [1, "NotReady", sequence + 2],
        [1, "Ready", sequence + 3],
        [1, "Terminating", sequence + 4],
      ]);
      expect((await service.read()).sequence).toBe(sequence + 4);
      expect(events.at(-1)).toMatchObject({ row: await service.row(1) });
    });

    test.each(published)("a change of %s is published, both ways", async (_, changes) => {
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      const { events, sequence } = await service.watch();
      await service.report(pod, changes);
      await service.report(pod);
      await arrived(events, subject.can("pushes") ? 2 : 0);
      expect((await service.read()).sequence).toBe(sequence + 2);
      if (!subject.can("pushes")) return;
      expect(events).toMatchObject([{ sequence: sequence + 1, row: changes }, { sequence: sequence + 2 }]);
    });

    test("loads are not published, even when they take a sequence number", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      const { events, sequence } = await service.watch();
      await service.report(pod, { loadScore: 60, linkCount: 500 });
      await service.report(pod, { loadScore: 60, linkCount: 500, serviceState: "NotReady" });
      await arrived(events, 1);
      const row = { serviceState: "NotReady", linkCount: 500 };
      expect(events).toMatchObject([{ kind: "pod", sequence: sequence + 2, row }]);
    });

    test("a number that only readings tell is no gap between two messages", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const pod = await service.given(1);
      const { events, sequence } = await service.watch();
      await service.report(pod, { serviceState: "NotReady" });
      await service.report(pod, { serviceState: "NotReady", loadScore: 60 });
      await service.report(pod, { serviceState: "Ready", loadScore: 60 });
      await arrived(events, 2);
      expect(events).toMatchObject([
        { kind: "pod", sequence: sequence + 1, row: { serviceState: "NotReady" } },
        { kind: "pod", sequence: sequence + 3, row: { serviceState: "Ready" } },
      ]);
    });

    test("fault 13: a listener that throws harms nobody, and one can unsubscribe", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const { namespace } = service;
      subject.store.watchPods(namespace, service.service, () => {
        throw new Error("thrown by a listener of the test");
      });
      const first = await service.watch();
      const second = await service.watch();
      first.events.length = 0; // of the second's beginning
      const pod = await service.given(1);
      await arrived(second.events, 1);
      first.subscription.close();
      first.subscription.close();
      await service.leave(pod);
      await arrived(second.events, 2);
      expect([first.events.length, second.events.length]).toEqual([1, 2]);
    });

    test("reach the watchers of another process", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const { events, sequence } = await service.watch({ store: await subject.second() });
      await service.given(1);
      await arrived(events, 1);
      expect(statesOf(events)).toEqual([[1, "Ready", sequence + 1]]);
    });

    test("of one service don't reach watchers of another", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const one = new ServiceProbe(subject);
      const other = new ServiceProbe(subject);
      const { events, sequence } = await one.watch();
      await other.given(7);
      await one.given(1);
      await arrived(events, 1);
      expect(statesOf(events)).toEqual([[1, "Ready", sequence + 1]]);
    });

    test("a bad name is refused", async () => {
      const watch = (namespace: string, service: string) => async () =>
        subject.store.watchPods(namespace, service, () => undefined);
      expect((await errorOf(watch("A", "room")())).code).toBe("INVALID_ARGUMENT");
      expect((await errorOf(watch("a", "room.")())).code).toBe("INVALID_ARGUMENT");
    });
  });
}
