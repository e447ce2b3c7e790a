import { silentLogger, sleep } from "@podlink/types";
import type { Pod } from "podlink";
import { connect, joinAsPod } from "podlink";
import { Ends } from "../measure/ends.ts";
import { median } from "../measure/median.ts";
import { growth } from "../measure/slope.ts";
import { usedBytes } from "../support/garbage.ts";
import { redisServer, storeOn } from "../support/redis.ts";
import type { Leak } from "./leaks.ts";
import { leaks } from "./leaks.ts";
import { SoakLoad, USERS_AT_ONCE } from "./soak-load.ts";

export interface SoakOptions {
  readonly seconds: number;
  /** What is leaked on purpose. Absent: nothing. */
  readonly planted?: Leak | undefined;
  readonly say: (text: string) => void;
  readonly ends?: Ends;
}

/** Whether one thing stayed flat, over the samples that are judged. */
export interface Flatness {
  readonly name: Leak;
  readonly unit: "bytes" | "handles";
  readonly median: number;
  /** From the first to the last of the samples. */
  readonly growth: number;
  readonly allowed: number;
  readonly flat: boolean;
}

export interface SoakResult {
  readonly seconds: number;
  /** Requests that a pod let in. */
  readonly served: number;
  /** Requests and releases that failed, by what they failed of. */
  readonly failures: Readonly<Record<string, number>>;
  readonly usersGone: number;
  readonly podsReplaced: number;
  readonly samples: number;
  readonly flatness: readonly Flatness[];
  /** All is flat; or, where a leak was planted, that one and no other is accused. */
  readonly passed: boolean;
  readonly lines: readonly string[];
}

const PODS = 6;
const SAMPLES = 60;
/** Caches and connections fill up in the beginning. */
const JUDGED = 2 / 3;
const ALLOWED_SHARE = 0.05;
const CACHE_SECONDS = 5;

/** Constant load with churn, on real Redis and real drivers, each pod with connections of its own, in this process. */
export async function runSoak({ seconds, planted, say, ends = new Ends() }: SoakOptions): Promise<SoakResult> {
  const preparation = { tiny: false, pin: false, defer: (end: () => unknown) => ends.add(end) };
  try {
    const server = await redisServer(preparation);
    const caller = await connect({
      store: await storeOn(server, preparation),
      namespace: "bench",
      logger: silentLogger, // failures are counted
      client: { linkInfoCacheTimeSecs: CACHE_SECONDS, maxCachedLinks: USERS_AT_ONCE / 2, hotEntries: 100 },
    });
    ends.add(() => caller.close());
    const pods: Pod[] = [];
    const stopAll = (): Promise<unknown> => Promise.all(pods.map((pod) => pod.stop({ deadlineMs: 1000 })));
    ends.add(stopAll);
    for (let podIndex = 0; podIndex < PODS; podIndex += 1) pods.push(await join(server.url, podIndex));
    const load = new SoakLoad(caller, pods);
    ends.add(() => load.stop());
    const leak = planted === undefined ? undefined : leaks.get(planted)?.({ server, ends });
    load.start();

    const series: Record<Leak, number[]> = { heap: [], handles: [], redis: [] };
    const everyMs = Math.max(250, (seconds * 1000) / SAMPLES);
    const endAtMs = performance.now() + seconds * 1000;
    let podsReplaced = 0;
    for (let next = performance.now() + everyMs; next <= endAtMs + 1; next += everyMs) {
      // A pod leaves in an orderly way, its users move, and its next life joins.
      const podIndex = podsReplaced % PODS;
      await pods[podIndex]!.stop({ deadlineMs: 2000 });
      pods[podIndex] = await join(server.url, podIndex);
      podsReplaced += 1;
      await leak?.();
      await sleep(Math.max(0, next - performance.now()));
      series.heap.push(usedBytes());
      series.handles.push(process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout").length);
      series.redis.push(Number((await server.info("memory"))["used_memory"]));
      if (podsReplaced % 10 === 0) say(`${podsReplaced} pods replaced, ${load.served} requests served`);
    }
    const flatness = [
      judge("heap", "bytes", series.heap),
      judge("handles", "handles", series.handles),
      judge("redis", "bytes", series.redis),
    ];
    const passed = flatness.every(({ name, flat }) => flat === (name !== planted));
    const { served, failures, gone: usersGone } = load;
    const samples = series.heap.length;
    const result = { seconds, served, failures, usersGone, podsReplaced, samples, flatness, passed };
    return { ...result, lines: linesOf(result) };
  } finally {
    await ends.end();
  }
}

async function join(redis: string, podIndex: number): Promise<Pod> {
  const pod = await joinAsPod({
    redis,
    namespace: "bench",
    service: "room",
    logger: silentLogger,
    podIndex,
    http: { port: 4000, host: "127.0.0.1" },
    server: {
      propagationMs: 100,
      handOffTimeoutMs: 500,
      cpuFactor: 0,
      takeOver: "now",
      linkInfoCacheTimeSecs: CACHE_SECONDS,
    },
  });
  pod.ready();
  return pod;
}

/** What is judged of a series, and how. */
export function judge(name: Leak, unit: Flatness["unit"], series: readonly number[]): Flatness {
  const judged = series.slice(Math.floor(series.length * (1 - JUDGED)));
  const middle = median(judged);
  const grown = growth(judged);
  const allowed = ALLOWED_SHARE * middle;
  return { name, unit, median: middle, growth: grown, allowed, flat: grown <= allowed };
}

function linesOf(result: Omit<SoakResult, "lines">): string[] {
  const { seconds, served, usersGone, podsReplaced, failures } = result;
  const amount = (value: number, unit: Flatness["unit"]): string =>
    unit === "bytes" ? `${(value / 1e6).toFixed(2)} MB` : value.toFixed(1);
  const failed = Object.entries(failures).map(([why, count]) => `${count} x ${why}`);
  return [
    `${seconds} s: ${served} requests served, ${usersGone} users gone, ${podsReplaced} pods replaced; failed: ${failed.join(", ") || "none"}`,
    ...result.flatness.map(({ name, unit, flat, ...of }) => {
      const seen = `${amount(of.median, unit)}, grew by ${amount(of.growth, unit)}; allowed ${amount(of.allowed, unit)}`;
      return `${flat ? "flat" : "NOT FLAT"}: ${name}: ${seen}`;
    }),
  ];
}
