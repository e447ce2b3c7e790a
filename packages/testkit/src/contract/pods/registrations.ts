import type { LostLink, RegisteredLife, Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { errorOf } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { arrived, ServiceProbe } from "./service-probe.ts";

/** How a pod hears that it was registered, by its own process or by another one. */
export function registrationTests(subject: Subject<Store>): void {
  const watch = ({ namespace, service }: ServiceProbe, podIndex: number): RegisteredLife[] => {
    const heard: RegisteredLife[] = [];
    subject.store.watchRegistrations(namespace, service, podIndex, (one) => void heard.push(one));
    return heard;
  };

  describe("registrations", () => {
    test("of a pod are told to it, whoever makes them, in order", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const heard = watch(service, 1);
      const first = await service.given(1);
      const again = await service.register({ ...first, expected: first.incarnation });
      const expected = again.registered ? again.incarnation : 0;
      const other = await service.register({ podIndex: 1, life: "another ü|%", expected });
      await arrived(heard, 3);
      expect(heard).toEqual([
        { life: first.life, incarnation: first.incarnation },
        { life: first.life, incarnation: expected },
        { life: "another ü|%", incarnation: other.registered && other.incarnation },
      ]);
    });

    test("nothing else is told: those of other pods and services, those refused or adopted, reports, goodbyes", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const elsewhere = new ServiceProbe(subject);
      const heard = watch(service, 1);
      for (const podIndex of [0, 2, 11]) await service.given(podIndex);
      await elsewhere.given(1);
      await service.register({ podIndex: 1, expected: 5 });
      const pod = await service.given(1);
      await service.register({ podIndex: 1, life: pod.life });
      await service.report(pod, { serviceState: "NotReady" });
      await service.leave(pod);
      await service.register({ podIndex: 1, life: "next", expected: pod.incarnation });
      await arrived(heard, 2);
      expect(heard).toMatchObject([{ life: pod.life }, { life: "next" }]);
    });

    test("reach the pod of another process, and are no lost links", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const heard: RegisteredLife[] = [];
      const lost: LostLink[] = [];
      const second = await subject.second();
      second.watchLostLinks(service.namespace, service.service, 1, (one) => void lost.push(one));
      second.watchRegistrations(service.namespace, service.service, 1, (one) => void heard.push(one));
      const { life, incarnation } = await service.given(1);
      await arrived(heard, 1);
      expect(heard).toEqual([{ life, incarnation }]);
      expect(lost).toEqual([]);
    });

    test("end with the subscription", async (context) => {
      context.skip(!subject.can("pushes"), "the store pushes nothing");
      const service = new ServiceProbe(subject);
      const { namespace } = service;
      const heard: RegisteredLife[] = [];
      subject.store.watchRegistrations(namespace, service.service, 1, (one) => void heard.push(one)).close();
      const others = watch(service, 1);
      await service.given(1);
      await arrived(others, 1);
      expect(heard).toEqual([]);
    });

    test("a bad pod index is refused", async () => {
      const bad = async () => subject.store.watchRegistrations(subject.namespace, "room", -1, () => undefined);
      expect((await errorOf(bad())).code).toBe("INVALID_ARGUMENT");
    });
  });
}
