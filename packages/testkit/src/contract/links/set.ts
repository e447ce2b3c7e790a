import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectNewer, expectSame } from "./expectations.ts";
import { EARLIER, LATER, pod, probeLink, TTL, TTL_MS } from "./link-probe.ts";

export function setTests(subject: Subject<LinkStore>): void {
  describe("set", () => {
    test("makes a reservation that lasts as long as asked", async () => {
      const link = probeLink(subject);
      const result = await link.set(pod(3), TTL);
      expect(result).toMatchObject({ link: { ...link.key, podIndex: 3, kind: "reservation" } });
      expect(result).not.toHaveProperty("previous");
      expect(result.link).not.toHaveProperty("incarnation");
      subject.expectExpiresIn(result.link, TTL_MS);
      expectSame(await link.get(), result.link);
    });

    test("with an incarnation makes an owned link, persistent", async () => {
      const link = probeLink(subject);
      const { link: owned } = await link.set(pod(3, EARLIER), "persistent");
      expect(owned).toMatchObject({ podIndex: 3, incarnation: EARLIER, kind: "owned" });
      expect(owned).not.toHaveProperty("expiresInMs");
    });

    test("without an incarnation can make a reservation persistent", async () => {
      const { link: reserved } = await probeLink(subject).set(pod(3), "persistent");
      expect(reserved.kind).toBe("reservation");
      expect(reserved).not.toHaveProperty("expiresInMs");
    });

    test("moves a link of any kind to another pod under a new token and tells what was there", async () => {
      for (const owner of [pod(1), pod(1, EARLIER)]) {
        const link = probeLink(subject);
        const before = await link.given(owner, "persistent");
        const result = await link.set(pod(2), TTL);
        expect(result).toMatchObject({ link: { podIndex: 2, kind: "reservation" }, previous: { podIndex: 1 } });
        expectNewer(result.link, before);
      }
    });

    test("gives a new token even to the very same owner", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1, LATER), "persistent");
      expectNewer((await link.set(pod(1, LATER), "persistent")).link, before);
    });

    test("over an owned link of its own pod index, without incarnation, makes a reservation of it", async () => {
      const link = probeLink(subject);
      await link.given(pod(1, EARLIER), "persistent");
      expect((await link.set(pod(1), TTL)).link).toMatchObject({ podIndex: 1, kind: "reservation" });
    });
  });
}
