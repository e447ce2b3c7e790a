import type { Catalogue, WorkloadState } from "@podlink/types";
import { MAX_CALL_ITEMS } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { MakeStore } from "../harness.ts";
import { errorOf, expectRefused } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { describeStore } from "../subject.ts";

/** Service tags and workload states. */
export function catalogueContract(name: string, makeStore: MakeStore<Catalogue>): void {
  describeStore(`${name}: catalogue`, makeStore, (subject) => {
    tagTests(subject);
    workloadTests(subject);
    test("calls of an aborted signal are cancelled", async () => {
      const call = { signal: AbortSignal.abort() };
      const { namespace, store } = subject;
      for (const work of [
        () => store.setServiceTag(namespace, "t", "room", call),
        () => store.serviceByTag(namespace, "t", call),
        () => store.setWorkloadState(namespace, "room", "Ready", 1000, call),
        () => store.workloadStates(namespace, ["room"], call),
      ]) {
        expect((await errorOf(work())).code).toBe("CANCELLED");
      }
    });
  });
}

function tagTests(subject: Subject<Catalogue>): void {
  describe("service tags", () => {
    test("fault 14: a tag stands for the service it was last given", async () => {
      const tag = subject.uniqueName();
      expect(await subject.store.serviceByTag(subject.namespace, tag)).toBeUndefined();
      await subject.store.setServiceTag(subject.namespace, tag, "room");
      await subject.store.setServiceTag(subject.namespace, tag, "game");
      expect(await subject.store.serviceByTag(subject.namespace, tag)).toBe("game");
    });

    test("fault 14: writers of different tags at the same time lose nothing", async () => {
      const tags = Array.from({ length: 50 }, () => subject.uniqueName());
      await Promise.all(tags.map((tag, index) => subject.store.setServiceTag(subject.namespace, tag, `room-${index}`)));
      const services = await Promise.all(tags.map((tag) => subject.store.serviceByTag(subject.namespace, tag)));
      expect(services).toEqual(tags.map((_, index) => `room-${index}`));
    });

    test("fault 15: tags of two namespaces, and odd ones, are kept apart", async () => {
      const base = subject.uniqueName();
      const tags = ["a}b", "a/b", "a%7Db", "__proto__", "é"].map((text) => `${base}${text}`);
      for (const [index, tag] of tags.entries())
        await subject.store.setServiceTag(subject.namespace, tag, `s-${index}`);
      for (const [index, tag] of tags.entries()) {
        expect(await subject.store.serviceByTag(subject.namespace, tag)).toBe(`s-${index}`);
        expect(await subject.store.serviceByTag(subject.otherNamespace, tag)).toBeUndefined();
      }
      expect(await subject.store.serviceByTag(subject.namespace, "constructor")).toBeUndefined();
    });

    test("bad names are refused", async () => {
      const { namespace, store } = subject;
      await expectRefused(store.setServiceTag("N", "t", "room"), "namespace");
      await expectRefused(store.setServiceTag(namespace, "", "room"), "tag");
      await expectRefused(store.setServiceTag(namespace, "t", "Room"), "service");
      await expectRefused(store.setServiceTag(namespace, "t", "room", { timeoutMs: -1 }), "timeoutMs");
      await expectRefused(store.serviceByTag("", "t"), "namespace");
      await expectRefused(store.serviceByTag(namespace, "a\nb"), "tag");
    });
  });
}

function workloadTests(subject: Subject<Catalogue>): void {
  const states: readonly WorkloadState[] = ["Ready", "Pending", "NotReady"];

  describe("workload states", () => {
    test("fault 12: every state, Ready too, is read as it was written", async () => {
      const { namespace, store } = subject;
      for (const state of states) {
        const service = subject.uniqueName();
        await store.setWorkloadState(namespace, service, state, 60_000);
        expect(await store.workloadStates(namespace, [service])).toEqual(new Map([[service, state]]));
      }
    });

    test("expire with their ttl unless they are written again", async () => {
      const { namespace, store } = subject;
      const [ending, kept] = [subject.uniqueName(), subject.uniqueName()];
      await store.setWorkloadState(namespace, ending, "Ready", 10_000);
      await store.setWorkloadState(namespace, kept, "Ready", 10_000);
      await subject.advance(5000);
      await store.setWorkloadState(namespace, kept, "Pending", 10_000);
      await subject.advance(5000);
      expect(await store.workloadStates(namespace, [ending, kept])).toEqual(new Map([[kept, "Pending"]]));
    });

    test("end exactly at their ttl", async (context) => {
      context.skip(!subject.can("exactTime"), "the store's time can't be set exactly");
      const { namespace, store } = subject;
      const service = subject.uniqueName();
      await store.setWorkloadState(namespace, service, "Ready", 1000);
      await subject.advance(999);
      expect(await store.workloadStates(namespace, [service])).toHaveProperty("size", 1);
      await subject.advance(1);
      expect(await store.workloadStates(namespace, [service])).toHaveProperty("size", 0);
    });

    test("of many services are read at once; those without one are left out", async () => {
      const { namespace, store } = subject;
      const services = Array.from({ length: 300 }, () => subject.uniqueName());
      const written = services.filter((_, index) => index % 2 === 0);
      await Promise.all(written.map((service) => store.setWorkloadState(namespace, service, "Ready", 60_000)));
      const read = await store.workloadStates(namespace, services);
      expect([...read.keys()].toSorted()).toEqual(written.toSorted());
      expect(await store.workloadStates(subject.otherNamespace, services)).toEqual(new Map());
      expect(await store.workloadStates(namespace, [])).toEqual(new Map());
    });

    test("bad arguments are refused", async () => {
      const { namespace, store } = subject;
      await expectRefused(store.setWorkloadState("N", "room", "Ready", 1000), "namespace");
      await expectRefused(store.setWorkloadState(namespace, "", "Ready", 1000), "service");
      await expectRefused(store.setWorkloadState(namespace, "room", "ready" as never, 1000), "state");
      await expectRefused(store.setWorkloadState(namespace, "room", "Ready", 0), "ttlMs");
      await expectRefused(store.workloadStates(namespace, ["a b"]), "service");
      await expectRefused(store.workloadStates("", ["room"]), "namespace");
      const tooMany = Array.from({ length: MAX_CALL_ITEMS + 1 }, () => "room");
      await expectRefused(store.workloadStates(namespace, tooMany), "services");
    });
  });
}
