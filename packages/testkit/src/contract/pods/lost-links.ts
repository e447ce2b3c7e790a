import type { LostLink, Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { errorOf } from "../links/expectations.ts";
import type { LinkProbe } from "../links/link-probe.ts";
import { EARLIER, LATER, pod, probeLink, TTL } from "../links/link-probe.ts";
import type { Subject } from "../subject.ts";
import { arrived } from "./service-probe.ts";

export function lostLinkTests(subject: Subject<Store>): void {
  const watch = ({ key }: LinkProbe, podIndex: number): LostLink[] => {
    const lost: LostLink[] = [];
    subject.store.watchLostLinks(key.namespace, key.service, podIndex, (one) => void lost.push(one));
    return lost;
  };

  describe("lost links", () => {
    test.for([
      ["set", (link: LinkProbe) => link.set(pod(2), TTL)],
      [
        "replace",
        async (link: LinkProbe) =>
          link.replace((await link.get())?.token ?? "", { owner: pod(2, LATER), lifetime: "persistent" }),
      ],
    ] as const)("an owned link that %s takes from another pod is told to that pod", async ([, take], context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const link = probeLink(subject);
      const lost = watch(link, 1);
      await link.given(pod(1, EARLIER), "persistent");
      await take(link);
      await arrived(lost, 1);
      expect(lost).toMatchObject([{ uid: link.key.uid, link: { podIndex: 2, token: (await link.get())?.token } }]);
    });

    test("nothing else is told: reservations, goodbyes, one's own next incarnation, removals", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const link = probeLink(subject);
      const lost = watch(link, 1);
      const notTheTaker = watch(link, 2);
      await link.given(pod(1), "persistent");
      await link.set(pod(2), TTL);
      await link.givenGoodbye(1, EARLIER);
      await link.set(pod(2), TTL);
      await link.given(pod(1, EARLIER), "persistent");
      await link.setIfAbsent(pod(1, LATER), "persistent");
      await link.remove(0);
      await link.given(pod(1, EARLIER), "persistent");
      await link.set(pod(3), TTL); // the one that counts
      await arrived(lost, 1);
      expect(lost).toMatchObject([{ link: { podIndex: 3 } }]);
      expect(notTheTaker).toEqual([]);
    });

    test("end with the subscription", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const link = probeLink(subject);
      const heard: LostLink[] = [];
      const { namespace, service } = link.key;
      subject.store.watchLostLinks(namespace, service, 1, (one) => void heard.push(one)).close();
      const others = watch(link, 1);
      await link.given(pod(1, EARLIER), "persistent");
      await link.set(pod(2), TTL);
      await arrived(others, 1);
      expect(heard).toEqual([]);
    });

    test("a bad pod index is refused", async () => {
      const bad = async () => subject.store.watchLostLinks(subject.namespace, "room", -1, () => undefined);
      expect((await errorOf(bad())).code).toBe("INVALID_ARGUMENT");
    });
  });
}
