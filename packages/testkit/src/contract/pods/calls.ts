import type { Store } from "@podlink/types";
import { expect, test } from "vitest";
import { errorOf, expectRefused } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { ServiceProbe } from "./service-probe.ts";

/** What every call of the directory and the registry takes. */
export function podCallTests(subject: Subject<Store>): void {
  test("calls of an aborted signal are cancelled and carry nothing out", async () => {
    const service = new ServiceProbe(subject);
    const pod = await service.given(1);
    const { namespace } = service;
    const before = await service.read();
    const call = { signal: AbortSignal.abort() };
    const { registry } = subject;
    const registration = service.registration({ podIndex: 2, life: "other" });
    for (const work of [
      () => registry.register(registration, call),
      () => registry.report(service.heartbeat(pod), call),
      () => registry.leave({ namespace, service: service.service, ...pod }, call),
      () => subject.store.readPods(namespace, service.service, call),
    ]) {
      expect((await errorOf(work())).code).toBe("CANCELLED");
    }
    expect((await service.read()).rows).toEqual(before.rows);
  });

  test("calls with a deadline that is no time are refused", async () => {
    const service = new ServiceProbe(subject);
    await expectRefused(subject.registry.register(service.registration(), { timeoutMs: -1 }), "timeoutMs");
    expect((await service.read()).rows).toEqual([]);
  });
}
