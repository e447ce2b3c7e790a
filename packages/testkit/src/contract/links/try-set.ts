import type { LinkStore } from "@podlink/types";
import { DEFAULTS } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectNewer, expectSame } from "./expectations.ts";
import { EARLIER, LATER, pod, probeLink, TTL, TTL_MS } from "./link-probe.ts";

const SHORT_MS = 20_000;
const SHORT = { ttlMs: SHORT_MS };

export function trySetTests(subject: Subject<LinkStore>): void {
  describe("trySet", () => {
    test("fault 5: answers in one shape when fresh, refused and taken over", async () => {
      const link = probeLink(subject);
      const fresh = await link.trySet(pod(1), TTL);
      expect(fresh).toMatchObject({ acquired: true, link: { podIndex: 1 } });
      expect(fresh).not.toHaveProperty("previous");
      const takenOver = await link.trySet(pod(2), "persistent");
      expect(takenOver).toMatchObject({ acquired: true, link: { podIndex: 2 }, previous: { podIndex: 1 } });
      const refused = await link.trySet(pod(3), TTL);
      expect(refused).toMatchObject({ acquired: false, link: { podIndex: 2 } });
      expectSame(refused.link, takenOver.link);
    });

    test("takes a temporary link of another pod with the asked lifetime, shorter or longer", async () => {
      for (const asked of [SHORT, { ttlMs: 90_000 }]) {
        const link = probeLink(subject);
        const before = await link.given(pod(1), TTL);
        const { link: after } = await link.trySet(pod(2), asked);
        expectNewer(after, before);
        subject.expectExpiresIn(after, asked.ttlMs);
      }
    });

    test("takes a goodbye of another pod", async () => {
      const link = probeLink(subject);
      const goodbye = await link.givenGoodbye(1, EARLIER);
      const result = await link.trySet(pod(2, EARLIER), "persistent");
      expect(result).toMatchObject({ acquired: true, link: { podIndex: 2, kind: "owned" }, previous: { podIndex: 1 } });
      expectNewer(result.link, goodbye);
    });

    test("never takes a persistent link of another pod", async () => {
      for (const owner of [pod(1), pod(1, EARLIER)]) {
        const link = probeLink(subject);
        const before = await link.given(owner, "persistent");
        expect(await link.trySet(pod(2, LATER), "persistent")).toMatchObject({ acquired: false });
        expectSame(await link.get(), before);
      }
    });

    test("over a reservation of the same pod keeps the longer of both lifetimes under a new token", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      const shorter = await link.trySet(pod(1), SHORT);
      expectNewer(shorter.link, before);
      subject.expectExpiresIn(shorter.link, TTL_MS);
      subject.expectExpiresIn((await link.trySet(pod(1), { ttlMs: 2 * TTL_MS })).link, 2 * TTL_MS);
    });

    test("a persistent reservation of the same pod stays persistent", async () => {
      const link = probeLink(subject);
      await link.given(pod(1), "persistent");
      expect((await link.trySet(pod(1), SHORT)).link).not.toHaveProperty("expiresInMs");
    });

    test("a temporary reservation of the same pod becomes persistent when that is asked for", async () => {
      const link = probeLink(subject);
      await link.given(pod(1), TTL);
      expect((await link.trySet(pod(1), "persistent")).link).not.toHaveProperty("expiresInMs");
      expect(await link.get()).not.toHaveProperty("expiresInMs");
    });

    test("what is left of a goodbye doesn't lengthen what comes next", async () => {
      const link = probeLink(subject);
      await link.givenGoodbye(1, EARLIER, 90_000);
      const result = await link.trySet(pod(1), SHORT);
      expect(result).toMatchObject({ acquired: true, link: { kind: "reservation" } });
      subject.expectExpiresIn(result.link, SHORT_MS);
      expect(await link.get()).toMatchObject({ token: result.link.token, kind: "reservation" });
    });

    test("of the very same incarnation keeps the token", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1, EARLIER), "persistent");
      const result = await link.trySet(pod(1, EARLIER), "persistent");
      expect(result).toMatchObject({ acquired: true });
      expectSame(result.link, before);
      expectSame(await link.get(), before);
    });

    test("of the very same incarnation keeps the link for a whole ownedTtlMs from now on", async (context) => {
      context.skip(!subject.can("jumpsDays"), "time can't jump over days");
      const { ownedTtlMs = DEFAULTS.ownedTtlMs } = subject.harness;
      const link = probeLink(subject);
      const before = await link.given(pod(1, EARLIER), "persistent");
      await subject.advance(ownedTtlMs - 1000);
      expect(await link.trySet(pod(1, EARLIER), "persistent")).toEqual({
        acquired: true,
        link: before,
        previous: before,
      });
      await subject.advance(ownedTtlMs - 1000);
      expect(await link.get()).toEqual(before);
    });

    test("of a higher incarnation takes over under a new token", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1, EARLIER), "persistent");
      const result = await link.trySet(pod(1, LATER), "persistent");
      expect(result.link).toMatchObject({ incarnation: LATER, kind: "owned" });
      expectNewer(result.link, before);
    });

    test("a reservation never beats an owner: without incarnation an owned link of the same pod stays", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1, EARLIER), "persistent");
      const result = await link.trySet(pod(1), TTL);
      expect(result).toMatchObject({ acquired: true });
      expectSame(result.link, before);
    });
  });
}
