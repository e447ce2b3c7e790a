import type { LinkStore } from "@podlink/types";
import { DEFAULTS } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { EARLIER, pod, probeLink, TTL } from "./link-probe.ts";

export function expiryTests(subject: Subject<LinkStore>): void {
  describe("expiry", () => {
    test("a link lives to the last millisecond before its end, and no more at its end", async (context) => {
      context.skip(!subject.can("exactTime"), "the store's time can't be set exactly");
      const link = probeLink(subject);
      await link.given(pod(1), { ttlMs: 5000 });
      await subject.advance(4999);
      expect(await link.get()).toMatchObject({ podIndex: 1, expiresInMs: 1 });
      await subject.advance(1);
      expect(await link.get()).toBeUndefined();
    });

    test("a link of one millisecond is there, and gone one later", async (context) => {
      context.skip(!subject.can("exactTime"), "the store's time can't be set exactly");
      const link = probeLink(subject);
      await link.given(pod(1), { ttlMs: 1 });
      expect(await link.get()).toMatchObject({ expiresInMs: 1 });
      await subject.advance(1);
      expect(await link.get()).toBeUndefined();
    });

    test("expiresInMs counts down", async () => {
      const link = probeLink(subject);
      await link.given(pod(1), { ttlMs: 30_000 });
      await subject.advance(10_000);
      subject.expectExpiresIn(await link.get(), 20_000);
    });

    test("an expired link is none for every operation", async () => {
      const expired = async () => {
        const link = probeLink(subject);
        await link.given(pod(1), { ttlMs: 1000 });
        await subject.advance(1000);
        return link;
      };
      expect(await (await expired()).set(pod(2), "persistent")).not.toHaveProperty("previous");
      expect(await (await expired()).trySet(pod(2), "persistent")).not.toHaveProperty("previous");
      expect(await (await expired()).setIfAbsent(pod(2), "persistent")).toMatchObject({ created: true });
      expect(await (await expired()).replace("1", { owner: pod(2), lifetime: "persistent" })).toMatchObject({
        replaced: true,
      });
      expect(await (await expired()).renew({}, "persistent")).toEqual({ renewed: false });
      expect(await (await expired()).remove(1000)).toEqual({ removed: false });
    });

    test("a persistent link counts as persistent, and is freed when nobody renews it for ownedTtlMs", async (context) => {
      context.skip(!subject.can("jumpsDays"), "time can't jump over days");
      const { ownedTtlMs = DEFAULTS.ownedTtlMs } = subject.harness;
      const owned = probeLink(subject);
      const before = await owned.given(pod(1, EARLIER), "persistent");
      const reserved = probeLink(subject);
      await reserved.given(pod(2), "persistent");
      await subject.advance(ownedTtlMs - 1000);
      expect(await owned.get()).toEqual(before);
      expect(await owned.renew({ token: before.token }, "persistent")).toEqual({ renewed: true, link: before });
      await subject.advance(1000);
      expect(await reserved.get()).toBeUndefined();
      expect(await owned.get()).toEqual(before);
      await subject.advance(ownedTtlMs - 1000);
      expect(await owned.get()).toBeUndefined();
    });

    test("whoever asks for persistent again keeps a link of its own as long", async (context) => {
      context.skip(!subject.can("jumpsDays"), "time can't jump over days");
      const { ownedTtlMs = DEFAULTS.ownedTtlMs } = subject.harness;
      const link = probeLink(subject);
      const before = await link.given(pod(1), "persistent");
      await subject.advance(ownedTtlMs - 1000);
      await link.setIfAbsent(pod(1), "persistent");
      await subject.advance(ownedTtlMs - 1000);
      expect(await link.get()).toEqual(before);
      await link.trySet(pod(1), TTL);
      await subject.advance(2000);
      expect(await link.get()).not.toHaveProperty("expiresInMs");
    });
  });
}
