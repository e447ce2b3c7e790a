import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectNewer, expectSame } from "./expectations.ts";
import { EARLIER, LATER, LinkProbe, pod, probeLink, TTL, TTL_MS } from "./link-probe.ts";

const DAY_MS = 86_400_000;
const LONGER = { ttlMs: 2 * TTL_MS };

export function setIfAbsentTests(subject: Subject<LinkStore>): void {
  describe("setIfAbsent", () => {
    test("creates the link where there is none", async () => {
      const link = probeLink(subject);
      const result = await link.setIfAbsent(pod(1), TTL);
      expect(result).toMatchObject({ created: true, link: { podIndex: 1, kind: "reservation" } });
      expectSame(await link.get(), result.link);
    });

    test("creates a link beside those of other services of the uid, and says so", async () => {
      const link = probeLink(subject);
      await link.given(pod(1), TTL);
      const other = new LinkProbe(subject.store, { ...link.key, service: subject.uniqueName() });
      const result = await other.setIfAbsent(pod(2), LONGER);
      expect(result).toMatchObject({ created: true, link: { podIndex: 2, kind: "reservation" } });
      expectSame(await other.get(), result.link);
      expect(await link.get()).toMatchObject({ podIndex: 1 });
    });

    test("answers with the winner when another pod is linked", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      const result = await link.setIfAbsent(pod(2), LONGER);
      expect(result).toMatchObject({ created: false });
      expect(result).not.toHaveProperty("taken");
      expectSame(result.link, before);
      subject.expectExpiresIn(await link.get(), TTL_MS);
    });

    test("with renew moves the expiry of another pod's reservation forward, never back", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      const result = await link.setIfAbsent(pod(2), LONGER, { renew: true });
      expectSame(result.link, before);
      subject.expectExpiresIn(result.link, LONGER.ttlMs);
      subject.expectExpiresIn((await link.setIfAbsent(pod(2), TTL, { renew: true })).link, LONGER.ttlMs);
    });

    test("with renew leaves a goodbye of another pod alone", async () => {
      const link = probeLink(subject);
      await link.givenGoodbye(1, EARLIER);
      subject.expectExpiresIn((await link.setIfAbsent(pod(2), LONGER, { renew: true })).link, TTL_MS);
    });

    test("fault 7: renews a reservation of the same pod, keeping its token", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      const longer = await link.setIfAbsent(pod(1), LONGER);
      expect(longer).toMatchObject({ created: false });
      expectSame(longer.link, before);
      subject.expectExpiresIn(longer.link, LONGER.ttlMs);
      subject.expectExpiresIn((await link.setIfAbsent(pod(1), TTL)).link, LONGER.ttlMs);
    });

    test("fault 7: asking for persistent over a temporary link upgrades it and never deletes it", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      const result = await link.setIfAbsent(pod(1), "persistent");
      expect(result.link.token).toBe(before.token);
      expect(result.link).not.toHaveProperty("expiresInMs");
      expect(await link.get()).toEqual(result.link);
    });

    test("asking for persistent makes a link persistent, however long it would last anyway", async () => {
      const link = probeLink(subject);
      await link.given(pod(1), { ttlMs: 40 * DAY_MS });
      expect((await link.setIfAbsent(pod(1), "persistent")).link).not.toHaveProperty("expiresInMs");
      expect(await link.get()).not.toHaveProperty("expiresInMs");
    });

    test("without incarnation leaves an owned link and a goodbye of the same pod as they are", async () => {
      const owned = probeLink(subject);
      const before = await owned.given(pod(1, EARLIER), "persistent");
      const result = await owned.setIfAbsent(pod(1), TTL);
      expect(result).toMatchObject({ created: false });
      expectSame(result.link, before);

      const released = probeLink(subject);
      const goodbye = await released.givenGoodbye(1, EARLIER);
      const answer = await released.setIfAbsent(pod(1), LONGER);
      expectSame(answer.link, goodbye);
      subject.expectExpiresIn(answer.link, TTL_MS);
    });

    test("of the same incarnation that owns it changes nothing", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1, EARLIER), "persistent");
      const result = await link.setIfAbsent(pod(1, EARLIER), "persistent");
      expect(result).toMatchObject({ created: false });
      expect(result).not.toHaveProperty("taken");
      expectSame(result.link, before);
      expectSame(await link.get(), before);
    });

    test("takes what was reserved for its pod, under a new token", async () => {
      for (const lifetime of [TTL, "persistent"] as const) {
        const link = probeLink(subject);
        const before = await link.given(pod(1), lifetime);
        const result = await link.setIfAbsent(pod(1, EARLIER), "persistent");
        expect(result).toMatchObject({ created: false, taken: true, link: { incarnation: EARLIER, kind: "owned" } });
        expectNewer(result.link, before);
      }
    });

    test("takes its own goodbye back, and what a lower incarnation of its pod index owned", async () => {
      const released = probeLink(subject);
      const goodbye = await released.givenGoodbye(1, EARLIER);
      const back = await released.setIfAbsent(pod(1, EARLIER), "persistent");
      expect(back).toMatchObject({ taken: true, link: { kind: "owned" } });
      expectNewer(back.link, goodbye);

      const inherited = probeLink(subject);
      const before = await inherited.given(pod(1, EARLIER), "persistent");
      const heir = await inherited.setIfAbsent(pod(1, LATER), "persistent");
      expect(heir).toMatchObject({ taken: true, link: { incarnation: LATER } });
      expectNewer(heir.link, before);
    });

    test("with an incarnation never takes a link of another pod index", async () => {
      for (const owner of [pod(1), pod(1, EARLIER)]) {
        const link = probeLink(subject);
        const before = await link.given(owner, "persistent");
        expect(await link.setIfAbsent(pod(2, LATER), "persistent")).toMatchObject({ created: false });
        expectSame(await link.get(), before);
      }
    });

    test("of many that ask at the same time exactly one creates, and all learn the same winner", async () => {
      const link = probeLink(subject);
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, podIndex) => link.setIfAbsent(pod(podIndex), TTL)),
      );
      const created = results.filter((result) => "created" in result && result.created);
      expect(created).toHaveLength(1);
      expect(new Set(results.map((result) => `${result.link.podIndex} ${result.link.token}`)).size).toBe(1);
    });
  });
}
