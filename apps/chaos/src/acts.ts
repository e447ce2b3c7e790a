import type { Fault } from "@podlink/testkit";
import { sleep } from "@podlink/types";
import type { Place } from "./place.ts";
import { gatewayName, podName } from "./place.ts";
import type { ScheduledFault } from "./schedule.ts";

/** A fault as it happened. Times are those of `performance.now()`. */
export interface Happened {
  readonly fault: ScheduledFault;
  readonly fromMs: number;
  /** When what was disturbed was let go: a killed pod is gone for good at once. */
  readonly toMs: number;
  /** What went wrong in doing it, for people: a pod that did not drain, say. Empty: nothing. */
  readonly problems: readonly string[];
}

/** Makes a fault happen, and undoes it. @throws Error when that can't be done: then the run shows nothing */
export async function act(fault: ScheduledFault, place: Place): Promise<Happened> {
  const fromMs = performance.now();
  const problems: string[] = [];
  const overAtMs = (await perform(fault, place, problems)) ?? performance.now();
  return { fault, fromMs, toMs: overAtMs, problems };
}

/** When it was over. Absent: now. */
async function perform(fault: ScheduledFault, place: Place, problems: string[]): Promise<number | undefined> {
  const { kind, lastsMs, pod = 0, gateway = 0, share = 1, lateMs = 0 } = fault;
  switch (kind) {
    case "pod-kill": {
      const { atMs } = await place.pod(pod).kill();
      await sleep(lastsMs);
      await place.startPod(pod);
      return atMs;
    }
    case "pod-freeze":
      place.pod(pod).pause();
      await sleep(lastsMs);
      place.pod(pod).resume();
      return undefined;
    case "requests-late":
      await Promise.all([
        during(place.podLine(pod), { fault: "delay", direction: "toServer", ms: lateMs }, lastsMs),
        cutOff(place.storeLine(podName(pod)), fault),
      ]);
      return undefined;
    case "answers-lost":
      await during(place.podLine(pod), { fault: "loseReply", share }, lastsMs);
      return undefined;
    case "answers-late":
      await during(place.podLine(pod), { fault: "delay", direction: "toClient", share, ms: lateMs }, lastsMs);
      return undefined;
    case "pod-cut-off-store":
      await cutOff(place.storeLine(podName(pod)), fault);
      return undefined;
    case "pod-cut-off-gateways":
      await cutOff(place.podLine(pod), fault);
      return undefined;
    case "gateway-cut-off-store":
      await cutOff(place.storeLine(gatewayName(gateway)), fault);
      return undefined;
    case "store-kill":
      await place.links.kill9();
      await sleep(lastsMs);
      await place.links.restart();
      return undefined;
    case "store-freeze":
      place.links.stop();
      await sleep(lastsMs);
      place.links.cont();
      return undefined;
    case "connections-killed":
      // The harness and the watcher of the run have users of their own.
      await times(3, lastsMs, () => place.links.cli("CLIENT", "KILL", "USER", "default"));
      return undefined;
    case "scripts-flushed":
      await times(10, lastsMs, () => place.links.cli("SCRIPT", "FLUSH"));
      return undefined;
    case "data-flushed":
      await place.links.cli("FLUSHALL");
      return undefined;
    case "rolling-restart":
      for (const index of place.pods.toReversed()) await restart(place, index, problems);
      return undefined;
    case "scale":
      await scale(place, problems);
      return undefined;
  }
}

interface Line {
  add(fault: Fault): { end(): void };
}

const cutOff = (line: Line, { lastsMs, afterEnd = "dead" }: ScheduledFault): Promise<void> =>
  during(line, { fault: "blackhole", afterEnd }, lastsMs);

async function during(line: Line, fault: Fault, lastsMs: number): Promise<void> {
  const rule = line.add(fault);
  await sleep(lastsMs);
  rule.end();
}

async function times(count: number, withinMs: number, run: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    await run();
    await sleep(withinMs / count);
  }
}

/** As a deployment does it: ready, as the gateways see it, before the next one's turn. */
async function restart(place: Place, index: number, problems: string[]): Promise<void> {
  await terminate(place, index, problems);
  await place.startPod(index);
  await place.whenKnown(index);
}

/** SIGTERM. */
async function terminate(place: Place, index: number, problems: string[]): Promise<void> {
  const { code, signal, wasOverdue } = await place.pod(index).terminate();
  if (code !== 0 || wasOverdue) {
    problems.push(`${podName(index)} ended with ${signal ?? code}${wasOverdue ? ", overdue" : ""} after SIGTERM`);
  }
}

/** 5 to 3 to 6, and back to 5. */
async function scale(place: Place, problems: string[]): Promise<void> {
  await terminate(place, 4, problems);
  await terminate(place, 3, problems);
  await sleep(1000);
  await Promise.all([3, 4, 5].map((index) => place.startPod(index)));
  await Promise.all([3, 4, 5].map((index) => place.whenKnown(index)));
  await sleep(2000);
  await terminate(place, 5, problems);
}
