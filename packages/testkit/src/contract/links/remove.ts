import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectSame } from "./expectations.ts";
import { EARLIER, pod, probeLink, TTL, TTL_MS } from "./link-probe.ts";

const GRACE_MS = 10_000;

export function removeTests(subject: Subject<LinkStore>): void {
  describe("remove", () => {
    test("without a grace ends a link of any kind at once", async () => {
      for (const [owner, lifetime] of [
        [pod(1), TTL],
        [pod(1), "persistent"],
        [pod(1, EARLIER), "persistent"],
      ] as const) {
        const link = probeLink(subject);
        await link.given(owner, lifetime);
        expect(await link.remove(0)).toEqual({ removed: true });
        expect(await link.get()).toBeUndefined();
      }
    });

    test("fault 6: with a grace keeps an owned link as a goodbye for that long", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1, EARLIER), "persistent");
      expect(await link.remove(GRACE_MS)).toEqual({ removed: true });
      const goodbye = await link.get();
      expect(goodbye).toMatchObject({ podIndex: 1, incarnation: EARLIER, token: before.token, kind: "goodbye" });
      subject.expectExpiresIn(goodbye, GRACE_MS);
      await subject.advance(GRACE_MS);
      expect(await link.get()).toBeUndefined();
    });

    test("fault 6: with a grace makes a goodbye of a persistent reservation too", async () => {
      const link = probeLink(subject);
      await link.given(pod(1), "persistent");
      await link.remove(GRACE_MS);
      expect(await link.get()).toMatchObject({ podIndex: 1, kind: "goodbye" });
    });

    test("with a grace ends a temporary link sooner, if at all, and leaves it what it is", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      expect(await link.remove(2 * TTL_MS)).toEqual({ removed: true });
      subject.expectExpiresIn(await link.get(), TTL_MS);
      await link.remove(GRACE_MS);
      const after = await link.get();
      expectSame(after, before);
      subject.expectExpiresIn(after, GRACE_MS);
    });

    test("a goodbye that is removed again ends at the earlier moment", async () => {
      const link = probeLink(subject);
      await link.givenGoodbye(1, EARLIER);
      await link.remove(GRACE_MS);
      subject.expectExpiresIn(await link.get(), GRACE_MS);
      expect(await link.remove(0)).toEqual({ removed: true });
      expect(await link.get()).toBeUndefined();
    });

    test("removes only what matches every expected part", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1, EARLIER), "persistent");
      for (const wrong of [{ podIndex: 2 }, { podIndex: 1, incarnation: EARLIER + 1 }, { podIndex: 1, token: "1" }]) {
        for (const graceMs of [0, GRACE_MS]) {
          const result = await link.remove(graceMs, { expected: wrong });
          expect(result).toMatchObject({ removed: false });
          expectSame("link" in result ? result.link : undefined, before);
        }
      }
      const expected = { podIndex: 1, incarnation: EARLIER, token: before.token };
      expect(await link.remove(0, { expected })).toEqual({ removed: true });
    });

    test("where there is no link removes nothing", async () => {
      expect(await probeLink(subject).remove(0)).toEqual({ removed: false });
    });
  });
}
