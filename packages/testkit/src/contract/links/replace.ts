import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectNewer, expectSame } from "./expectations.ts";
import { EARLIER, LATER, pod, probeLink, TTL } from "./link-probe.ts";

export function replaceTests(subject: Subject<LinkStore>): void {
  describe("replace", () => {
    test("names the owner when the link has the expected token, whoever holds it", async () => {
      for (const owner of [pod(1), pod(1, EARLIER)]) {
        const link = probeLink(subject);
        const before = await link.given(owner, "persistent");
        const result = await link.replace(before.token, { owner: pod(2), lifetime: TTL });
        expect(result).toMatchObject({ replaced: true, link: { podIndex: 2 }, previous: { podIndex: 1 } });
        expectNewer(result.link, before);
        expectSame(await link.get(), result.link);
      }
    });

    test("names the owner when there is no link", async () => {
      const link = probeLink(subject);
      const result = await link.replace("1", { owner: pod(2, LATER), lifetime: "persistent" });
      expect(result).toMatchObject({ replaced: true, link: { podIndex: 2, kind: "owned" } });
      expect(result).not.toHaveProperty("previous");
    });

    test("changes nothing on another token and answers with the link that holds", async () => {
      const link = probeLink(subject);
      const stale = await link.given(pod(1), TTL);
      const holding = await link.given(pod(2), TTL);
      const result = await link.replace(stale.token, { owner: pod(3), lifetime: TTL });
      expect(result).toMatchObject({ replaced: false });
      expectSame(result.link, holding);
      expectSame(await link.get(), holding);
    });

    test("fault 3: of many that replace the same token exactly one wins, and the rest get its link", async () => {
      const link = probeLink(subject);
      const dead = await link.given(pod(9, EARLIER), "persistent");
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, podIndex) => link.replace(dead.token, { owner: pod(podIndex), lifetime: TTL })),
      );
      expect(results.filter((result) => "replaced" in result && result.replaced)).toHaveLength(1);
      expect(new Set(results.map((result) => result.link.token)).size).toBe(1);
    });
  });
}
