import { RouteError, sleep } from "@podlink/types";
import type { Pod, Podlink } from "podlink";
import { connect, joinAsPod } from "podlink";
import { Ends } from "../measure/ends.ts";
import { median } from "../measure/median.ts";
import { growth } from "../measure/slope.ts";
import { usedBytes } from "../support/garbage.ts";
import { redisServer, storeOn } from "../support/redis.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly say: (text: string) => void;
  readonly ends?: Ends;
}

/** What is to stay flat. */
interface Flatness {
  readonly name: "heap bytes" | "handles" | "Redis bytes";
  readonly median: number;
  /** From the first to the last of the samples that are judged. */
  readonly growth: number;
  readonly allowed: number;
  readonly flat: boolean;
}

export interface SoakResult {
  readonly requests: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly podsReplaced: number;
  readonly samples: number;
  readonly flatness: readonly Flatness[];
  readonly flat: boolean;
  readonly lines: readonly string[];
}

const PODS = 6;
const REQUESTS_PER_SECOND = 500;
/** Uids come back for so long, then others do: links are made, owned, released, expire. */
const USERS_AT_ONCE = 2000;
const NEW_USERS_PER_SECOND = 100;
const TICK_MS = 20;
const SAMPLES = 60;
/** Caches and connections fill up in the beginning. */
const JUDGED = 2 / 3;
const ALLOWED_SHARE = 0.05;

/** Constant load with churn, on real Redis and real drivers, in this process. */
export async function runSoak({ seconds, say, ends = new Ends() }: SoakOptions): Promise<SoakResult> {
  const preparation = { tiny: false, pin: false, defer: (end: () => unknown) => ends.add(end) };
  try {
    const server = await redisServer(preparation);
    const store = await storeOn(server, preparation);
    const caller = await connect({
      store,
      namespace: "bench",
      client: { linkInfoCacheTimeSecs: 5, maxCachedLinks: USERS_AT_ONCE / 2, hotEntries: 100 },
    });
    ends.add(() => caller.close());
    const join = async (podIndex: number): Promise<Pod> => {
      const pod = await joinAsPod({
        store,
        namespace: "bench",
        service: "room",
        podIndex,
        http: { port: 4000, host: "127.0.0.1" },
        server: { propagationMs: 100, handOffTimeoutMs: 500, cpuFactor: 0, takeOver: "now", linkInfoCacheTimeSecs: 5 },
      });
      pod.ready();
      return pod;
    };
    const pods: Pod[] = [];
    ends.add(() => Promise.all(pods.map((pod) => pod.stop({ deadlineMs: 1000 }))));
    for (let podIndex = 0; podIndex < PODS; podIndex += 1) pods.push(await join(podIndex));
    const load = new Load(caller, pods);
    ends.add(() => load.stop());
    load.start();

    const samples: Record<Flatness["name"], number[]> = { "heap bytes": [], handles: [], "Redis bytes": [] };
    const everyMs = Math.max(250, (seconds * 1000) / SAMPLES);
    const endAtMs = performance.now() + seconds * 1000;
    let podsReplaced = 0;
    for (let next = performance.now() + everyMs; next <= endAtMs + 1; next += everyMs) {
      // A pod leaves in an orderly way, its users move, and its next life joins.
      const podIndex = podsReplaced % PODS;
      await pods[podIndex]!.stop({ deadlineMs: 2000 });
      pods[podIndex] = await join(podIndex);
      podsReplaced += 1;
      await sleep(Math.max(0, next - performance.now()));
      samples["heap bytes"].push(usedBytes());
      samples.handles.push(process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout").length);
      samples["Redis bytes"].push(Number((await server.info("memory"))["used_memory"]));
      if (podsReplaced % 10 === 0)
        say(`${podsReplaced} pods replaced, ${load.requests} requests, heap ${mega(usedBytes())}`);
    }
    const flatness = Object.entries(samples).map(([name, series]) => judge(name as Flatness["name"], series));
    const { requests, failures } = load;
    const flat = flatness.every((one) => one.flat);
    const result = { requests, failures, podsReplaced, samples: samples.handles.length, flatness, flat };
    return { ...result, lines: linesOf(result) };
  } finally {
    await ends.end();
  }
}

/** Users that come, stay for a while and go, at a constant rate however long the answers take. */
class Load {
  requests = 0;
  readonly failures: Record<string, number> = {};
  readonly #caller: Podlink;
  readonly #pods: readonly Pod[];
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #newest = USERS_AT_ONCE; // all there at once: nothing grows because they still come
  #gone = 0;

  constructor(caller: Podlink, pods: readonly Pod[]) {
    this.#caller = caller;
    this.#pods = pods;
  }

  start(): void {
    let due = 0;
    let coming = 0;
    let lastMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      due += ((nowMs - lastMs) / 1000) * REQUESTS_PER_SECOND;
      coming += ((nowMs - lastMs) / 1000) * NEW_USERS_PER_SECOND;
      lastMs = nowMs;
      for (; coming >= 1; coming -= 1) this.#newest += 1;
      for (; due >= 1; due -= 1) {
        const first = Math.max(0, this.#newest - USERS_AT_ONCE);
        this.#track(this.#request(`user-${first + Math.floor(Math.random() * (this.#newest - first + 1))}`));
      }
      while (this.#gone < this.#newest - USERS_AT_ONCE) this.#track(this.#leave(`user-${this.#gone++}`));
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        const code = RouteError.is(error) ? error.code : String(error);
        this.failures[code] = (this.failures[code] ?? 0) + 1;
      })
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  /** As a gateway asks, and the pod's guard answers: a first request makes the pod take the user. */
  async #request(uid: string): Promise<void> {
    const { podIndex } = await this.#caller.service("room").resolve(uid);
    this.requests += 1;
    await this.#pods[podIndex]!.driver.guard(uid);
  }

  /** Released at once, or with a grace. */
  async #leave(uid: string): Promise<void> {
    const holder = this.#pods.find(({ driver }) => driver.isHeld(uid));
    await holder?.driver.removeLinkedPod(uid, Math.random() < 0.5 ? 0 : 1000);
  }
}

function judge(name: Flatness["name"], series: readonly number[]): Flatness {
  const judged = series.slice(Math.floor(series.length * (1 - JUDGED)));
  const middle = median(judged);
  const grown = growth(judged);
  const allowed = ALLOWED_SHARE * middle;
  return { name, median: middle, growth: grown, allowed, flat: grown <= allowed };
}

const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function linesOf(result: Omit<SoakResult, "lines">): string[] {
  const text = (name: string, value: number): string => (name === "handles" ? value.toFixed(1) : mega(value));
  return [
    `${result.requests} requests, ${result.podsReplaced} pods replaced; failed: ${JSON.stringify(result.failures)}`,
    ...result.flatness.map(
      ({ name, median: middle, growth: grown, allowed, flat }) =>
        `${flat ? "flat" : "NOT FLAT"}: ${name}: ${text(name, middle)}, grew by ${text(name, grown)}; allowed ${text(name, allowed)}`,
    ),
  ];
}
