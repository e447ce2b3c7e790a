import type { LostLink, Store, Successor } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { errorOf } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import type { RegisteredPod } from "./service-probe.ts";
import { arrived, ServiceProbe } from "./service-probe.ts";

/** How the life of a pod hears that another process took its row. */
export function successorTests(subject: Subject<Store>): void {
  const watch = ({ namespace, service }: ServiceProbe, podIndex: number): Successor[] => {
    const heard: Successor[] = [];
    subject.store.watchSuccessors(namespace, service, podIndex, (one) => void heard.push(one));
    return heard;
  };
  /** Another process takes the pod's row. */
  const succeed = async (service: ServiceProbe, pod: RegisteredPod, life: string): Promise<RegisteredPod> => {
    const { podIndex, incarnation: expected } = pod;
    const result = await service.register({ podIndex, life, expected });
    if (!result.registered) throw new Error("the row could not be taken");
    return { podIndex, life, incarnation: result.incarnation };
  };

  describe("successors", () => {
    test("are told to the pod, each once and in order", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const heard = watch(service, 1);
      const first = await service.given(1);
      const second = await succeed(service, first, "second ü|%");
      const third = await succeed(service, second, "third");
      await arrived(heard, 3);
      expect(heard).toEqual([first, second, third].map(({ life, incarnation }) => ({ life, incarnation })));
    });

    test("are those that took a living row or found none: not a goodbye's next, one's own again, a refused or an adopted one", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const heard = watch(service, 1);
      const first = await service.given(1);
      await service.leave(first);
      const second = await succeed(service, first, "second");
      const again = await succeed(service, second, "second");
      await service.register({ podIndex: 1, life: "second" }); // adopted
      await service.register({ podIndex: 1, life: "refused", expected: second.incarnation });
      await service.report(again, { serviceState: "NotReady" });
      const third = await succeed(service, again, "third");
      await arrived(heard, 2);
      expect(heard).toEqual([first, third].map(({ life, incarnation }) => ({ life, incarnation })));
    });

    test("of other pods and of other services are not told", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const elsewhere = new ServiceProbe(subject);
      const heard = watch(service, 1);
      for (const podIndex of [0, 2, 11]) await succeed(service, await service.given(podIndex), "other");
      await succeed(elsewhere, await elsewhere.given(1), "other");
      await succeed(service, await service.given(1), "successor");
      await arrived(heard, 2);
      expect(heard).toMatchObject([{ life: "life-1" }, { life: "successor" }]);
    });

    test("are told in another process too, and are no lost links", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const heard: Successor[] = [];
      const lost: LostLink[] = [];
      const second = await subject.second();
      second.watchLostLinks(service.namespace, service.service, 1, (one) => void lost.push(one));
      second.watchSuccessors(service.namespace, service.service, 1, (one) => void heard.push(one));
      await succeed(service, await service.given(1), "successor");
      await arrived(heard, 2);
      expect(heard).toMatchObject([{ life: "life-1" }, { life: "successor" }]);
      expect(lost).toEqual([]);
    });

    test("are not told any more when the subscription has ended", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const { namespace } = service;
      const heard: Successor[] = [];
      subject.store.watchSuccessors(namespace, service.service, 1, (one) => void heard.push(one)).close();
      const others = watch(service, 1);
      await succeed(service, await service.given(1), "successor");
      await arrived(others, 1);
      expect(heard).toEqual([]);
    });

    test("of a bad pod index are refused", async () => {
      const bad = async () => subject.store.watchSuccessors(subject.namespace, "room", -1, () => undefined);
      expect((await errorOf(bad())).code).toBe("INVALID_ARGUMENT");
    });
  });
}
