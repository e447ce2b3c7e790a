import type { Pod } from "podlink";
import { joinAsPod } from "podlink";
import { silentLogger } from "@podlink/types";
import { answerParent } from "../support/child.ts";
import type { ReadingUse } from "../support/reading-use.ts";
import { useOf } from "../support/reading-use.ts";

export type WholePodsQuestion =
  | { readonly open: { readonly url: string; readonly service: string; readonly pods: number } }
  /** From now on so many change their routing state, all together, in a second. */
  | { readonly changesPerSecond: number }
  | { readonly read: true };

/** So many start at once: a store has a bound for what waits. */
const AT_ONCE = 50;
/** The share of the pods whose load moves enough to be told, in each heartbeat. */
const TOLD = 0.05;
const TICK_MS = 100;

const pods: Pod[] = [];

// Pods of a service as users have them, each with connections of its own, as in a process of its own: the lowest indexes.
answerParent(async (question: WholePodsQuestion): Promise<ReadingUse> => {
  if ("open" in question) await open(question.open);
  if ("changesPerSecond" in question) change(question.changesPerSecond);
  return useOf(pods);
});

async function open({ url, service, pods: count }: { url: string; service: string; pods: number }): Promise<void> {
  for (let first = 0; first < count; first += AT_ONCE) {
    const starting = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, turn) =>
      joinAsPod({
        redis: { url, commandTimeoutMs: 10_000 },
        namespace: "bench",
        service,
        podIndex: first + turn,
        http: { host: "127.0.0.1", port: 3000 },
        // They share a processor, whose load says nothing of any of them; and a process that is late loses no lease.
        server: { cpuFactor: 0, leaseMs: 60_000, leaseMarginMs: 3000, commandTimeoutMs: 10_000 },
        routes: { commandTimeoutMs: 5000 },
        logger: silentLogger,
      }),
    );
    for (const pod of await Promise.all(starting)) {
      pod.ready();
      pods.push(pod);
    }
  }
  every(TICK_MS, (count * TOLD * TICK_MS) / 2000, (pod, turn) => pod.driver.setLoadState((turn * 11) % 80));
}

function change(perSecond: number): void {
  every(TICK_MS, (perSecond * TICK_MS) / 1000, ({ driver }) => {
    driver.setRoutingState(driver.getRoutingState() === "Ready" ? "DenyNewCall" : "Ready");
  });
}

/** Does something to so many pods in each tick, one after the other. */
function every(tickMs: number, share: number, work: (pod: Pod, turn: number) => void): void {
  let due = 0;
  let next = 0;
  setInterval(() => {
    for (due += share; due >= 1; due -= 1) work(pods[next % pods.length]!, next++);
  }, tickMs);
}
