import { DEFAULTS } from "@podlink/types";
import { Ends } from "../measure/ends.ts";
import type { CallersQuestion } from "../processes/callers.ts";
import type { WholePodsQuestion } from "../processes/whole-pods.ts";
import { startChild } from "../support/child.ts";
import type { ReadingUse } from "../support/reading-use.ts";
import { redisServer, storeOn } from "../support/redis.ts";
import type { Rows } from "../support/rows.ts";
import { registerPods } from "../support/rows.ts";
import type { RedisServer } from "@podlink/testkit/redis";

export interface ScaleOptions {
  /** How many pods are nothing but their reports. */
  readonly pods: number;
  /** How many there are besides as users have them: whole drivers, each with connections of its own. Default 0. */
  readonly wholePods?: number;
  readonly callers: number;
  /** How long each part is measured. */
  readonly seconds: number;
  /** Whether Redis gets a core of its own. Default true. */
  readonly pin?: boolean;
  readonly say: (text: string) => void;
  readonly ends?: Ends;
}

/** What one part of the run cost, for each second of it. */
interface ScalePart {
  readonly part: "pods report" | "callers follow" | "and states change";
  readonly reportsPerSecond: number;
  readonly redisCpuPercent: number;
  readonly redisInBytesPerSecond: number;
  readonly redisOutBytesPerSecond: number;
  /** Of each caller. */
  readonly callerCpuPercent: number;
  readonly callerReadingsPerSecond: number;
  readonly callerRowsPerSecond: number;
  readonly callerPushesPerSecond: number;
  /** Of all whole pods together. */
  readonly wholePodsCpuPercent: number;
  readonly wholePodsReadingsPerSecond: number;
  readonly wholePodsRowsPerSecond: number;
  readonly wholePodsPushesPerSecond: number;
}

export interface ScaleResult {
  readonly pods: number;
  readonly wholePods: number;
  readonly callers: number;
  readonly seconds: number;
  /** What each caller keeps of the pods. */
  readonly callerBytes: number;
  readonly redisBytesPerPod: number;
  readonly parts: readonly ScalePart[];
  readonly lines: readonly string[];
}

/** The share of reports whose load moved so much that readers are told. */
const TOLD = 0.05;
/** Pods that change their routing state, of all pods together. */
const CHANGES_PER_SECOND = 10;
const TICK_MS = 20;
const UNUSED: ReadingUse = { cpuUs: 0, bytes: 0, readings: 0, rows: 0, pushes: 0 };
const SERVICE = "room";

/**
 * Pods that report every heartbeat, as their drivers do, and callers that follow them with real state caches: alone, with
 * the callers, and with states that change. The difference of two parts is what came to it.
 */
export async function runScale({
  pods,
  wholePods = 0,
  callers,
  seconds,
  pin = true,
  say,
  ends = new Ends(),
}: ScaleOptions): Promise<ScaleResult> {
  const preparation = { tiny: false, pin, defer: (end: () => unknown) => ends.add(end) };
  try {
    const server = await redisServer(preparation);
    const store = await storeOn(server, preparation);
    const before = Number((await server.info("memory"))["used_memory"]);
    say(`registering ${pods} pods`);
    const rows = await registerPods(store, { namespace: "bench", service: SERVICE, pods, first: wholePods });
    const redisBytesPerPod = (Number((await server.info("memory"))["used_memory"]) - before) / pods;
    const beating = new Beating(rows, pods);
    ends.add(() => beating.stop());
    const child = await startChild("callers", preparation);
    const ask = (question: CallersQuestion): Promise<ReadingUse> => child.ask(question);
    const wholeChild = wholePods === 0 ? undefined : await startChild("whole-pods", preparation);
    const askPods = async (question: WholePodsQuestion): Promise<ReadingUse> =>
      (await wholeChild?.ask(question)) ?? UNUSED;
    const parts: ScalePart[] = [];
    const empty = await ask({ read: true });
    const measurePart = async (part: ScalePart["part"], following: number): Promise<void> => {
      say(`${part}: ${seconds} s`);
      const [start, startUse, podsStart] = [
        await redisUse(server),
        await ask({ read: true }),
        await askPods({ read: true }),
      ];
      const [startMs, reports] = [performance.now(), beating.reports];
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const [end, use, podsUse] = [await redisUse(server), await ask({ read: true }), await askPods({ read: true })];
      const took = (performance.now() - startMs) / 1000;
      const each = (grown: number): number => (following === 0 ? 0 : grown / following / took);
      parts.push({
        part,
        reportsPerSecond: (beating.reports - reports) / took,
        redisCpuPercent: ((end.cpuS - start.cpuS) / took) * 100,
        redisInBytesPerSecond: (end.inBytes - start.inBytes) / took,
        redisOutBytesPerSecond: (end.outBytes - start.outBytes) / took,
        callerCpuPercent: each(use.cpuUs - startUse.cpuUs) / 10_000,
        callerReadingsPerSecond: each(use.readings - startUse.readings),
        callerRowsPerSecond: each(use.rows - startUse.rows),
        callerPushesPerSecond: each(use.pushes - startUse.pushes),
        wholePodsCpuPercent: (podsUse.cpuUs - podsStart.cpuUs) / took / 10_000,
        wholePodsReadingsPerSecond: (podsUse.readings - podsStart.readings) / took,
        wholePodsRowsPerSecond: (podsUse.rows - podsStart.rows) / took,
        wholePodsPushesPerSecond: (podsUse.pushes - podsStart.pushes) / took,
      });
      if (beating.failure !== undefined) throw beating.failure;
    };
    if (wholePods > 0) say(`starting ${wholePods} whole pods`);
    await askPods({ open: { url: server.url, service: SERVICE, pods: wholePods } });
    beating.start();
    await measurePart("pods report", 0);
    say(`opening ${callers} callers`);
    const opened = await ask({ open: { url: server.url, service: SERVICE, callers } });
    await measurePart("callers follow", callers);
    if (wholePods > 0) await askPods({ changesPerSecond: CHANGES_PER_SECOND });
    else beating.changesPerSecond = CHANGES_PER_SECOND;
    await measurePart("and states change", callers);
    const result = {
      pods,
      wholePods,
      callers,
      seconds,
      callerBytes: (opened.bytes - empty.bytes) / callers,
      redisBytesPerPod,
      parts,
    };
    return { ...result, lines: linesOf(result) };
  } finally {
    await ends.end();
  }
}

/** Reports of all pods, spread evenly over the heartbeat. Late ones are made up for. */
class Beating {
  reports = 0;
  changesPerSecond = 0;
  failure: Error | undefined;
  readonly #rows: Rows;
  readonly #pods: number;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;
  readonly #underWay = new Set<Promise<void>>();

  constructor(rows: Rows, pods: number) {
    this.#rows = rows;
    this.#pods = pods;
  }

  start(): void {
    let due = 0;
    let changes = 0;
    let lastMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      due += ((nowMs - lastMs) / DEFAULTS.heartbeatIntervalMs) * this.#pods;
      changes += ((nowMs - lastMs) / 1000) * this.changesPerSecond;
      lastMs = nowMs;
      for (; due >= 1; due -= 1) {
        const flipped = changes >= 1;
        if (flipped) changes -= 1;
        this.#report({ told: this.#next % Math.round(1 / TOLD) === 0, flipped });
      }
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #report(how: { told: boolean; flipped: boolean }): void {
    const report = this.#rows
      .report(this.#next++ % this.#pods, how)
      .then(
        () => void (this.reports += 1),
        (error: unknown) => void (this.failure ??= new Error("a report failed", { cause: error })),
      )
      .finally(() => this.#underWay.delete(report));
    this.#underWay.add(report);
  }
}

async function redisUse(server: RedisServer): Promise<{ cpuS: number; inBytes: number; outBytes: number }> {
  const [cpu, stats] = [await server.info("cpu"), await server.info("stats")];
  return {
    cpuS: Number(cpu["used_cpu_user"]) + Number(cpu["used_cpu_sys"]),
    inBytes: Number(stats["total_net_input_bytes"]),
    outBytes: Number(stats["total_net_output_bytes"]),
  };
}

function linesOf(result: Omit<ScaleResult, "lines">): string[] {
  const kilo = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;
  return [
    `${result.pods} pods that report every ${DEFAULTS.heartbeatIntervalMs} ms, ${TOLD * 100} % of the reports with a load that readers are told;`,
    `${result.callers} callers in one process; ${result.seconds} s each; ${result.redisBytesPerPod.toFixed(0)} bytes of Redis a pod, ${kilo(result.callerBytes)} a caller`,
    ...(result.wholePods === 0 ? [] : [`${result.wholePods} whole pods besides, in one process`]),
    ...result.parts.map(
      (part) =>
        `${part.part}: ${part.reportsPerSecond.toFixed(0)} reports/s; Redis ${part.redisCpuPercent.toFixed(1)} % of a core, ` +
        `in ${kilo(part.redisInBytesPerSecond)}/s, out ${kilo(part.redisOutBytesPerSecond)}/s; each caller ` +
        `${part.callerCpuPercent.toFixed(2)} % of a core, ${part.callerReadingsPerSecond.toFixed(2)} readings, ` +
        `${part.callerRowsPerSecond.toFixed(0)} rows, ${part.callerPushesPerSecond.toFixed(1)} pushes a second` +
        (result.wholePods === 0
          ? ""
          : `; whole pods together ${part.wholePodsCpuPercent.toFixed(1)} % of a core, ` +
            `${part.wholePodsReadingsPerSecond.toFixed(1)} readings, ${part.wholePodsRowsPerSecond.toFixed(0)} rows, ` +
            `${part.wholePodsPushesPerSecond.toFixed(0)} pushes a second`),
    ),
  ];
}
