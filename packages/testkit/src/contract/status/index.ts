import type { Store, StoreEvent } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { expect, test, vi } from "vitest";
import type { MakeStore, StoreHarness } from "../harness.ts";
import { errorOf } from "../links/expectations.ts";
import { pod, probeLink, TTL } from "../links/link-probe.ts";
import { arrived, podReport, SOON, ServiceProbe } from "../pods/service-probe.ts";
import { describeStore } from "../subject.ts";

/** Health, epoch, and what is left after the end. */
export function storeStatusContract(name: string, makeStore: MakeStore): void {
  describeStore(`${name}: status`, makeStore, (subject) => {
    test("a store that answers is healthy, and its epoch stays", async () => {
      await probeLink(subject).get();
      // Of several servers one answers while another is still being connected to.
      await vi.waitFor(() => expect(subject.store.health()).toEqual({ healthy: true }), SOON);
      const epoch = subject.store.epoch();
      await probeLink(subject).given(pod(1), TTL);
      expect(subject.store.epoch()).toBe(epoch);
    });

    test("fault 17: when all data is gone the epoch grows, watchers hear of it, and readings are complete again", async (context) => {
      const { harness } = subject;
      context.skip(harness.flushAll === undefined, "the data of this store can't be lost on purpose");
      const link = probeLink(subject);
      const token = Number((await link.given(pod(1), TTL)).token);
      const service = new ServiceProbe(subject);
      await service.given(1);
      const known = await service.read();
      const events: StoreEvent[] = [];
      subject.store.watchStore((event) => void events.push(event));
      const { events: podEvents } = await service.watch();
      const epoch = subject.store.epoch();

      await harness.flushAll?.();
      expect(await link.get()).toBeUndefined();
      const empty = await service.readSince(known);
      expect(empty).toMatchObject({ complete: true, rows: [] });
      expect(empty).not.toHaveProperty("generation");
      await arrived(events, 1);
      await arrived(podEvents, 1);
      expect(subject.store.epoch()).toBeGreaterThan(epoch);
      expect(events).toContainEqual({ kind: "epoch", epoch: subject.store.epoch() });
      expect(podEvents[0]).toEqual({ kind: "gap" });
      expect(Number((await link.given(pod(2), TTL)).token)).toBeGreaterThan(token);
      expect(await service.register({ podIndex: 1, generation: "another" })).toMatchObject({ generation: "another" });
    });

    test("after close every call is refused with CLOSED, closing again does nothing", async () => {
      const harness = await makeStore();
      const { store } = harness;
      await store.close();
      await store.close();
      for (const [method, call] of Object.entries(callsOf(harness, subject.namespace))) {
        expect((await errorOf(call())).code, method).toBe("CLOSED");
      }
      expect(store.health()).toMatchObject({ healthy: false });
      await harness.release?.();
    });

    test("fault 11: after close no listener hears anything, not even of what was under way", async () => {
      const harness = await makeStore();
      const service = new ServiceProbe(subject);
      const heard: unknown[] = [];
      harness.store.watchPods(service.namespace, service.service, (event) => void heard.push(event));
      harness.store.watchStore((event) => void heard.push(event));
      const underWay = (harness.registry ?? harness.store).register(service.registration());
      const settled = underWay.catch((error: unknown) => expect(RouteError.is(error)).toBe(true));
      await harness.store.close();
      const heardBefore = heard.length;
      await settled;
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(heard).toHaveLength(heardBefore);
      await harness.release?.();
    });
  });
}

/** One call of every method that can be refused. */
function callsOf({ store }: StoreHarness, namespace: string): Record<string, () => Promise<unknown>> {
  const name = { namespace, service: "room", podIndex: 1 };
  const op = { kind: "get", namespace, service: "room", uid: "u" } as const;
  const report = podReport();
  const nobody = (): void => undefined;
  return {
    execute: () => store.execute(op),
    executeAll: () => store.executeAll([op]),
    podsOf: () => store.podsOf(namespace, "room", ["u"]),
    servicesOf: () => store.servicesOf(namespace, "u"),
    readPods: () => store.readPods(namespace, "room"),
    register: () => store.register({ ...name, life: "l", generation: "g", takeOver: "now", report }),
    report: () => store.report({ ...name, incarnation: 1, life: "l", reportNumber: 1, report }),
    leave: () => store.leave({ ...name, incarnation: 1 }),
    setServiceTag: () => store.setServiceTag(namespace, "t", "room"),
    serviceByTag: () => store.serviceByTag(namespace, "t"),
    setWorkloadState: () => store.setWorkloadState(namespace, "room", "Ready", 1000),
    workloadStates: () => store.workloadStates(namespace, ["room"]),
    watchPods: async () => store.watchPods(namespace, "room", nobody),
    watchLostLinks: async () => store.watchLostLinks(namespace, "room", 1, nobody),
    watchSuccessors: async () => store.watchSuccessors(namespace, "room", 1, nobody),
    watchStore: async () => store.watchStore(nobody),
  } satisfies Partial<Record<keyof Store, () => Promise<unknown>>>;
}
