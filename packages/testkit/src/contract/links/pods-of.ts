import type { LinkStore } from "@podlink/types";
import { MAX_CALL_ITEMS } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { errorOf, expectRefused } from "./expectations.ts";
import { LinkProbe, pod, TTL } from "./link-probe.ts";

/** A real store on a busy machine may take longer than by default. */
const PATIENT = { timeoutMs: 20_000 };

export function podsOfTests(subject: Subject<LinkStore>): void {
  const names = (count: number): string[] => Array.from({ length: count }, () => subject.uniqueName());

  describe("podsOf", () => {
    test("fault 1, fault 8: names the uids of each pod, pod 0 too, once and in the order asked", async () => {
      const { namespace, store } = subject;
      const service = subject.uniqueName();
      const uids = names(300);
      await store.executeAll(
        uids.map((uid, at) => ({ kind: "set", namespace, service, uid, owner: pod(at % 3), lifetime: TTL }) as const),
        PATIENT,
      );
      const asked = [...uids, ...names(200), ...uids.slice(0, 50)];
      expect(await store.podsOf(namespace, service, asked, PATIENT)).toEqual(
        new Map([0, 1, 2].map((podIndex) => [podIndex, uids.filter((_, at) => at % 3 === podIndex)])),
      );
    });

    test("leaves out who has no live link of this service", async () => {
      const { namespace, store } = subject;
      const [service, other] = [subject.uniqueName(), subject.uniqueName()];
      const [lasting, ending, elsewhere] = names(40) as [string, string, string];
      const probe = (uid: string, name = service) => new LinkProbe(store, { namespace, service: name, uid });
      await probe(lasting).given(pod(2, 7), "persistent");
      await probe(ending).given(pod(1), { ttlMs: 1000 });
      await probe(elsewhere, other).given(pod(1), TTL);
      const asked = [ending, elsewhere, lasting, ...names(60)];
      expect((await store.podsOf(namespace, service, asked, PATIENT)).get(1)).toEqual([ending]);
      await subject.advance(1000);
      expect(await store.podsOf(namespace, service, asked, PATIENT)).toEqual(new Map([[2, [lasting]]]));
    });

    test("of nobody is empty", async () => {
      expect(await subject.store.podsOf(subject.namespace, "room", [])).toEqual(new Map());
    });

    test("refuses a list that is none or too long, and names the field that keeps no rule", async () => {
      const { namespace, store } = subject;
      const many = Array.from({ length: MAX_CALL_ITEMS + 1 }, (_, index) => `u${index}`);
      await expectRefused(store.podsOf(namespace, "room", many), "uids");
      expect((await errorOf(store.podsOf(namespace, "room", undefined as never))).code).toBe("INVALID_ARGUMENT");
      await expectRefused(store.podsOf(namespace, "room", ["good", ".."]), "uid");
      for (const uids of [["u"], []]) {
        await expectRefused(store.podsOf("Not A Label", "room", uids), "namespace");
        await expectRefused(store.podsOf(namespace, "Not A Label", uids), "service");
      }
      await expectRefused(store.podsOf(namespace, "room", ["u"], { timeoutMs: -1 }), "timeoutMs");
    });

    test("of a signal that is already aborted is cancelled", async () => {
      const call = { signal: AbortSignal.abort() };
      for (const uids of [names(1), names(100)]) {
        expect((await errorOf(subject.store.podsOf(subject.namespace, "room", uids, call))).code).toBe("CANCELLED");
      }
    });
  });
}
