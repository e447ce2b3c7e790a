import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectSame } from "./expectations.ts";
import type { LinkProbe } from "./link-probe.ts";
import { EARLIER, LATER, pod, probeLink } from "./link-probe.ts";

const OLD = pod(1, EARLIER);

const attempts: Record<string, (link: LinkProbe, token: string) => Promise<unknown>> = {
  set: (link) => link.set(OLD, "persistent"),
  trySet: (link) => link.trySet(OLD, "persistent"),
  setIfAbsent: (link) => link.setIfAbsent(OLD, "persistent"),
  replace: (link, token) => link.replace(token, { owner: OLD, lifetime: "persistent" }),
  renew: (link, token) => link.renew({ ...OLD, token }, "persistent"),
  remove: (link) => link.remove(0, { expected: OLD }),
};

/** The first rule, before the table. */
export function supersededTests(subject: Subject<LinkStore>): void {
  describe("superseded", () => {
    test.each(Object.entries(attempts))(
      "%s of an earlier incarnation changes nothing against an owned link of a later one",
      async (_, attempt) => {
        const link = probeLink(subject);
        const before = await link.given(pod(1, LATER), "persistent");
        expect(await attempt(link, before.token)).toEqual({ superseded: true, link: before });
        expectSame(await link.get(), before);
      },
    );

    test.each(Object.entries(attempts))(
      "%s of an earlier incarnation changes nothing against the goodbye of a later one",
      async (_, attempt) => {
        const link = probeLink(subject);
        const before = await link.givenGoodbye(1, LATER);
        expect(await attempt(link, before.token)).toMatchObject({ superseded: true, link: { kind: "goodbye" } });
        expectSame(await link.get(), before);
      },
    );

    test("does not concern another pod index, nor an operation without incarnation, nor an expired link", async () => {
      const another = probeLink(subject);
      await another.given(pod(2, LATER), "persistent");
      expect(await another.set(OLD, "persistent")).toMatchObject({ link: { podIndex: 1 } });

      const nameless = probeLink(subject);
      await nameless.given(pod(1, LATER), "persistent");
      expect(await nameless.remove(0, { expected: { podIndex: 1 } })).toEqual({ removed: true });

      const expired = probeLink(subject);
      await expired.givenGoodbye(1, LATER, 1000);
      await subject.advance(1000);
      expect(await expired.setIfAbsent(OLD, "persistent")).toMatchObject({ created: true });
    });

    test("an expected incarnation without its pod index is only compared", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1, LATER), "persistent");
      expect(await link.remove(0, { expected: { incarnation: EARLIER } })).toEqual({ removed: false, link: before });
    });
  });
}
