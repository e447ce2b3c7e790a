import type { PodReport, ServiceState, Store } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import type { RegisteredPod } from "./service-probe.ts";
import { LEASE_MS, podReport, ServiceProbe } from "./service-probe.ts";

/** Which pod writes the workload state, as each hears it with its report. */
export function workloadWriterTests(subject: Subject<Store>): void {
  const given = async (...podIndexes: number[]): Promise<[ServiceProbe, ...RegisteredPod[]]> => {
    const service = new ServiceProbe(subject);
    const pods: RegisteredPod[] = [];
    for (const podIndex of podIndexes) pods.push(await service.given(podIndex));
    return [service, ...pods];
  };
  const writes = async (service: ServiceProbe, pod?: RegisteredPod, said?: Partial<PodReport>): Promise<boolean> => {
    const answer = await service.report(pod!, said);
    if (!answer.accepted) throw new Error(`the report was ${answer.reason}`);
    return answer.writesWorkload;
  };

  describe("the workload state is written", () => {
    test("by the lowest of the pods that report, report after report", async () => {
      const [service, zero, one, two] = await given(0, 1, 2);
      expect(await writes(service, zero)).toBe(true);
      for (let turn = 0; turn < 3; turn += 1) {
        expect(await writes(service, two)).toBe(false);
        expect(await writes(service, one)).toBe(false);
        expect(await writes(service, zero)).toBe(true);
        await subject.advance(1000);
      }
    });

    test("by one that reported while a lower one had not: that one takes it with its own report", async () => {
      const [service, zero, one, two] = await given(0, 1, 2);
      expect(await writes(service, two)).toBe(true);
      expect(await writes(service, one)).toBe(true);
      expect(await writes(service, two)).toBe(false);
      expect(await writes(service, zero)).toBe(true);
      expect(await writes(service, one)).toBe(false);
    });

    test("by the lower index, not by the text that sorts first", async () => {
      const [service, nine, ten] = await given(9, 10);
      expect(await writes(service, nine)).toBe(true);
      expect(await writes(service, ten)).toBe(false);
    });

    test("by another from the very moment at which the lease of the one that did is over", async (context) => {
      context.skip(!subject.can("exactTime"), "the store's time can't be set exactly");
      const [service, zero, one] = await given(0, 1);
      await writes(service, zero, { leaseMs: 60_000 });
      await subject.advance(1000);
      await writes(service, zero, { leaseMs: 7000 }); // its newest report counts, and the lease that it names
      await subject.advance(6999);
      expect(await writes(service, one)).toBe(false);
      await subject.advance(1);
      expect(await writes(service, one)).toBe(true);
      expect(await writes(service, zero)).toBe(true);
      expect(await writes(service, one)).toBe(false);
    });

    test("by another once the one that did is silent for its lease", async () => {
      const [service, zero, one] = await given(0, 1);
      await writes(service, zero);
      await subject.advance(LEASE_MS);
      expect(await writes(service, one)).toBe(true);
    });

    test.each<ServiceState>(["Ready", "NotReady", "Pending"])("by a pod that says %s", async (serviceState) => {
      const [service, zero, one] = await given(0, 1);
      expect(await writes(service, zero, { serviceState })).toBe(true);
      expect(await writes(service, one, { serviceState })).toBe(false);
    });

    test.each<ServiceState>(["Failed", "Terminating", "Unknown"])(
      "by the next that reports when the one that did says %s, until it is well again",
      async (serviceState) => {
        const [service, zero, one] = await given(0, 1);
        await writes(service, zero);
        expect(await writes(service, zero, { serviceState })).toBe(false);
        expect(await writes(service, one)).toBe(true);
        expect(await writes(service, zero, { serviceState })).toBe(false);
        expect(await writes(service, zero)).toBe(true);
      },
    );

    test("by whom it was, whatever becomes of a pod that doesn't", async () => {
      const [service, zero, one, two, three] = await given(0, 1, 2, 3);
      await writes(service, zero);
      await writes(service, one, { serviceState: "Failed" });
      expect(await writes(service, three)).toBe(false);
      await service.leave(two!);
      expect(await writes(service, three)).toBe(false);
    });

    test("by the next that reports when the one that did says goodbye", async () => {
      const [service, zero, one, two] = await given(0, 1, 2);
      await writes(service, zero);
      await service.leave(zero!);
      expect(await writes(service, two)).toBe(true);
      expect(await writes(service, one)).toBe(true);
    });

    test("by nobody for a registration alone", async () => {
      const [service, , one] = await given(0, 1);
      expect(await writes(service, one)).toBe(true);
    });

    test("by the next life of a pod as by the one before", async () => {
      const [service, zero, one] = await given(0, 1);
      await writes(service, zero);
      const expected = zero!.incarnation;
      const next = await service.register({ podIndex: 0, life: "next", expected, report: podReport() });
      const incarnation = next.registered ? next.incarnation : 0;
      expect(await writes(service, one)).toBe(false);
      expect(await writes(service, { podIndex: 0, life: "next", incarnation })).toBe(true);
    });

    test("for each service by itself", async () => {
      const [service, zero] = await given(0);
      const [other, one] = await given(1);
      await writes(service, zero);
      expect(await writes(other, one)).toBe(true);
    });
  });
}
