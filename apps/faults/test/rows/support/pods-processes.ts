import type { FaultRow } from "@podlink/faults";
import type { SupervisedApp } from "@podlink/testkit";
import { failpointsInChild, Supervisor } from "@podlink/testkit";
import { ROUTES, SERVER } from "./pods-place.ts";

/** Where several processes share two cores: who gets no turn for a second must not lose its lease. */
export const PROCESS_TIMES = { ...SERVER, heartbeatIntervalMs: 300, leaseMs: 3000, leaseMarginMs: 300 };
export const PROCESS_ROUTES = { ...ROUTES, silenceMs: 650 };
export const PROCESS_CLIENT = { leaseMs: 3000, leaseMarginMs: 300, failover: { graceMs: 500 }, panicMs: 6000 };

const script = new URL("./pods-app.process.ts", import.meta.url);

/** A pod as a process; with `failpoints` as in PODLINK_FAILPOINTS. */
export interface PodProcess {
  readonly podIndex: number;
  readonly redisUrl: string;
  readonly failpoints?: string;
  readonly server?: object;
  /** It is ready to be told of signals before it has joined. Default: once it is Ready. */
  readonly isPending?: boolean;
}

/** Real processes, whose ends and pauses are on the row's record. */
export class PodProcesses implements AsyncDisposable {
  readonly supervisor: Supervisor;

  constructor(row: FaultRow) {
    this.supervisor = row.supervisor(new Supervisor());
  }

  start({ podIndex, redisUrl, failpoints, server, isPending = false }: PodProcess): Promise<SupervisedApp> {
    const points = failpoints === undefined ? { execArgv: [], env: {} } : failpointsInChild(failpoints);
    return this.supervisor.start({
      name: `room-${podIndex}`,
      node: { script, execArgv: ["--import", "tsx", "-C", "@podlink/source", ...points.execArgv] },
      env: {
        REDIS_URL: redisUrl,
        POD_INDEX: String(podIndex),
        SERVER: JSON.stringify({ ...PROCESS_TIMES, ...server }),
        ROUTES: JSON.stringify(PROCESS_ROUTES),
        PENDING: isPending ? "yes" : "",
        ...points.env,
      },
      ready: "message",
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.supervisor[Symbol.asyncDispose]();
  }
}

/** What the pod says to a request of the uid. */
export async function askPod(app: SupervisedApp, path: string, method = "GET"): Promise<Record<string, unknown>> {
  const response = await fetch(`${app.url}/${path}`, { method, signal: AbortSignal.timeout(5000) });
  return (await response.json()) as Record<string, unknown>;
}
