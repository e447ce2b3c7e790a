import { nameOf } from "./measure/figure.ts";
import type { Measured } from "./measure/measure.ts";

/** What the original wanted to reach, and what of ours answers it. */
interface Original {
  readonly target: string;
  /** The figure whose workload it is held to, by its name. */
  readonly figure: string;
  readonly workload: string;
  readonly seen: (ours: number) => string;
  readonly isMet: (ours: number) => boolean;
}

const perSecond = (ns: number): number => 1e9 / ns;
const rate = (ns: number): string => `${perSecond(ns).toFixed(0)}/s`;
/** Links that a caller keeps by default. */
const CACHED = 100_000;

const ORIGINALS: readonly Original[] = [
  {
    target: "state query < 10 ms",
    figure: "growth-pods/placement",
    workload: "the best of 10,000 pods, from the state cache",
    seen: (ns) => `${(ns / 1e6).toFixed(6)} ms`,
    isMet: (ns) => ns < 10e6,
  },
  {
    target: "link operation < 5 ms",
    figure: "link-create-one",
    workload: "a new link, one caller, median",
    seen: (us) => `${(us / 1000).toFixed(3)} ms`,
    isMet: (us) => us < 5000,
  },
  {
    target: "batch < 50 ms",
    figure: "batch-get/single",
    workload: "10,000 uids in one call",
    seen: (ms) => `${ms.toFixed(1)} ms`,
    isMet: (ms) => ms < 50,
  },
  {
    target: "> 1,000 requests/s on one instance",
    figure: "gateway-http",
    workload: "whole HTTP requests through one gateway",
    seen: rate,
    isMet: (ns) => perSecond(ns) > 1000,
  },
  {
    target: "> 10,000/s on a cluster",
    figure: "link-create-cluster",
    workload: "new links, 3 masters, 256 callers in one process",
    seen: rate,
    isMet: (ns) => perSecond(ns) > 10_000,
  },
  {
    target: "< 100 MB of memory",
    figure: "client-bytes",
    workload: `${CACHED} cached links, the default; the program itself comes to that`,
    seen: (bytes) => `${((bytes * CACHED) / 1e6).toFixed(1)} MB`,
    isMet: (bytes) => bytes * CACHED < 100e6,
  },
  {
    target: "< 10 % CPU",
    figure: "growth-pods/refresh",
    workload: "following 10,000 pods; what requests cost comes to that",
    seen: (percent) => `${percent.toFixed(2)} % of a core`,
    isMet: (percent) => percent < 10,
  },
];

/** The original's targets whose figures were measured, a line each. */
export function originals(measured: readonly Measured[]): string[] {
  return ORIGINALS.flatMap(({ target, figure, workload, seen, isMet }) => {
    const found = measured.find((one) => nameOf(one) === figure);
    if (found === undefined) return [];
    return `${isMet(found.ours) ? "met" : "NOT MET"}: ${target}: ${seen(found.ours)} (${figure}: ${workload})`;
  });
}
