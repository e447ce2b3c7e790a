import type { LoadReport } from "@podlink/testkit/load";
import { countBreaches, roomLoad, startLoad } from "@podlink/testkit/load";
import { setTimeout as sleep } from "node:timers/promises";
import type { Restarted, Side } from "./side.ts";

export interface RollingLoad {
  readonly pods: number;
  readonly users: number;
  readonly ratePerSecond: number;
}

/** What users noticed of one rolling restart. */
export interface Rolled {
  readonly name: string;
  readonly report: LoadReport;
  /** Users whose counter is not what was acknowledged, and how many acknowledged changes are missing in all. */
  readonly wrongCounters: number;
  readonly lostChanges: number;
  readonly restarts: readonly Restarted[];
  readonly tookMs: number;
}

/** Before the first restart and after the last one: everybody asked twice. */
const ROUNDS_AROUND = 2;

/** Restarts every pod, from the highest index down, under requests that are never repeated and a WebSocket for each user. */
export async function rollingRestart(side: Side, { pods, users, ratePerSecond }: RollingLoad): Promise<Rolled> {
  const { urls } = side;
  const { request, read, sockets } = roomLoad();
  await using load = await startLoad({
    url: urls,
    users,
    ratePerSecond,
    request,
    read,
    sockets,
    timeoutMs: 10_000,
    maxInFlight: 20 * ratePerSecond,
  });
  const aroundMs = (ROUNDS_AROUND * users * 1000) / ratePerSecond;
  await sleep(aroundMs);
  const startedAtMs = performance.now();
  const restarts: Restarted[] = [];
  for (let podIndex = pods - 1; podIndex >= 0; podIndex -= 1) {
    load.mark(`pod ${podIndex}`);
    restarts.push(await side.restart(podIndex));
  }
  const tookMs = performance.now() - startedAtMs;
  load.mark("after");
  await sleep(aroundMs);
  const report = await load.end({ deadlineMs: 15_000 });
  const breaches = await countBreaches(load.users(), (uid) => countOf(urls[0] ?? "", uid));
  const lostChanges = breaches.reduce((sum, { least, count }) => sum + Math.max(0, least - count), 0);
  return { name: side.name, report, wrongCounters: breaches.length, lostChanges, restarts, tookMs };
}

async function countOf(url: string, uid: string): Promise<number> {
  const response = await fetch(`${url}/s/room/u/${uid}/state`);
  if (!response.ok) throw new Error(`the state of ${uid}: ${response.status}`);
  return ((await response.json()) as { count: number }).count;
}
