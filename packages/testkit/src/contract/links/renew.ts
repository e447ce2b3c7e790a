import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectSame } from "./expectations.ts";
import { EARLIER, pod, probeLink, TTL, TTL_MS } from "./link-probe.ts";

const LONGER = { ttlMs: 2 * TTL_MS };

export function renewTests(subject: Subject<LinkStore>): void {
  describe("renew", () => {
    test("moves the expiry forward and keeps the token; never back", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      const result = await link.renew({ token: before.token }, LONGER);
      expect(result).toMatchObject({ renewed: true });
      expectSame(result.link, before);
      subject.expectExpiresIn(result.link, LONGER.ttlMs);
      subject.expectExpiresIn((await link.renew({}, TTL)).link, LONGER.ttlMs);
    });

    test("can make a reservation persistent, and leaves an owned link persistent", async () => {
      const reserved = probeLink(subject);
      await reserved.given(pod(1), TTL);
      expect((await reserved.renew({}, "persistent")).link).not.toHaveProperty("expiresInMs");

      const owned = probeLink(subject);
      const before = await owned.given(pod(1, EARLIER), "persistent");
      for (const lifetime of ["persistent", TTL] as const) {
        const result = await owned.renew({ podIndex: 1, incarnation: EARLIER, token: before.token }, lifetime);
        expect(result).toEqual({ renewed: true, link: before });
      }
    });

    test("a goodbye can be renewed for a time, never for good", async () => {
      const link = probeLink(subject);
      const goodbye = await link.givenGoodbye(1, EARLIER);
      const refused = await link.renew({ token: goodbye.token }, "persistent");
      expect(refused).toMatchObject({ renewed: false, link: { kind: "goodbye" } });
      subject.expectExpiresIn(refused.link, TTL_MS);
      const longer = await link.renew({ token: goodbye.token }, LONGER);
      expect(longer).toMatchObject({ renewed: true, link: { kind: "goodbye" } });
      subject.expectExpiresIn(longer.link, LONGER.ttlMs);
    });

    test("does nothing where there is no link, or none as expected", async () => {
      const link = probeLink(subject);
      expect(await link.renew({}, TTL)).toEqual({ renewed: false });
      const before = await link.given(pod(1, EARLIER), "persistent");
      for (const expected of [{ podIndex: 2 }, { incarnation: EARLIER + 1 }, { token: "1" }]) {
        const result = await link.renew(expected, "persistent");
        expect(result).toMatchObject({ renewed: false });
        expectSame(result.link, before);
      }
    });
  });
}
