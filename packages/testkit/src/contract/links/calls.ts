import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { errorOf, expectNewer, expectRefused, expectSame } from "./expectations.ts";
import { LinkProbe, pod, probeLink, TTL } from "./link-probe.ts";

export function linkCallTests(subject: Subject<LinkStore>): void {
  describe("calls", () => {
    test("of a signal that is already aborted are cancelled and carry nothing out", async () => {
      const link = probeLink(subject);
      const call = { signal: AbortSignal.abort() };
      const op = { kind: "set", ...link.key, owner: pod(1), lifetime: TTL } as const;
      expect((await errorOf(subject.store.execute(op, call))).code).toBe("CANCELLED");
      expect(await subject.store.executeAll([op], call)).toMatchObject([{ error: { code: "CANCELLED" } }]);
      expect((await errorOf(subject.store.servicesOf(subject.namespace, "u", call))).code).toBe("CANCELLED");
      expect(await link.get()).toBeUndefined();
    });

    test("of a live signal and a deadline go through", async () => {
      const link = probeLink(subject);
      const call = { signal: new AbortController().signal, timeoutMs: 5000 };
      const op = { kind: "set", ...link.key, owner: pod(1), lifetime: TTL } as const;
      expect(await subject.store.execute(op, call)).toMatchObject({ link: { podIndex: 1 } });
    });

    test("refuse a deadline that is no time", async () => {
      const op = { kind: "get", ...subject.uniqueKey() } as const;
      await expectRefused(subject.store.execute(op, { timeoutMs: -1 }), "timeoutMs");
      await expectRefused(subject.store.executeAll([op], { timeoutMs: 0.5 }), "timeoutMs");
      await expectRefused(subject.store.servicesOf(subject.namespace, "u", { timeoutMs: Number.NaN }), "timeoutMs");
    });

    test("of a second process see what the first one did, and the other way round", async () => {
      const link = probeLink(subject);
      const second = new LinkProbe(await subject.second(), link.key);
      const { link: made } = await link.set(pod(1), TTL);
      expectSame(await second.get(), made);
      const replaced = await second.replace(made.token, { owner: pod(2), lifetime: TTL });
      expectSame(await link.get(), replaced.link);
      expectNewer(replaced.link, made);
    });

    test("answer with frozen results", async () => {
      const link = probeLink(subject);
      const result = await link.set(pod(1), TTL);
      expect(Object.isFrozen(result)).toBe(true);
      expect(Object.isFrozen(result.link)).toBe(true);
      expect(Object.isFrozen(await link.get())).toBe(true);
      expect(Object.isFrozen(await link.remove(0))).toBe(true);
    });
  });
}
