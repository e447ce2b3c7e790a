import { join } from "node:path";
import type { LoadOptions, Reading } from "@podlink/testkit/load";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import type { AppEnvironment, AppOptions, SupervisedApp } from "podlink/testing";
import { failpointsInChild, Supervisor } from "podlink/testing";

/** The service as it is deployed, each part a process of its own. They die with the test. */
export class Deployment implements AsyncDisposable {
  readonly supervisor: Supervisor;
  readonly #servers: RedisServer[] = [];
  #env: AppEnvironment = {};

  /** @param name the folder of its logs, if LOGS says where to keep logs */
  constructor(name: string) {
    const { LOGS } = process.env;
    this.supervisor = new Supervisor(LOGS ? { logDirectory: join(LOGS, name) } : {});
  }

  /** Two Redis servers: podlink's, and the service's own. */
  async startServers(): Promise<{ readonly links: RedisServer; readonly counters: RedisServer }> {
    const [links, counters] = [await startRedis(), await startRedis()];
    this.#servers.push(links, counters);
    this.#env = { REDIS_URL: links.url, COUNTERS_URL: counters.url, TIMES: "short" };
    return { links, counters };
  }

  // #region programs
  pod(podIndex: number, env: AppEnvironment = {}): Promise<SupervisedApp> {
    return this.supervisor.start(this.#program(`pod-${podIndex}`, "pod.ts", { POD_INDEX: `${podIndex}`, ...env }));
  }

  gateway(): Promise<SupervisedApp> {
    return this.supervisor.start(this.#program("gateway", "gateway.ts"));
  }

  #program(name: string, file: string, env: AppEnvironment = {}): AppOptions {
    const { execArgv } = failpointsInChild(""); // none, until PODLINK_FAILPOINTS says so
    return {
      name,
      node: {
        script: new URL(`../src/${file}`, import.meta.url),
        execArgv: ["--import", "tsx", "-C", "@podlink/source", ...execArgv], // without -C where podlink is installed
      },
      env: { ...this.#env, ...env },
      ready: { output: /listening on (?<url>\S+)/ },
      readyWithinMs: 60_000, // several at once on a small machine
    };
  }
  // #endregion

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor.end();
    await Promise.all(this.#servers.map((server) => server.end()));
  }
}

// #region load
const { SEED } = process.env;

/** Thirty users, two increments a second each, every one with a key: so it is repeated until somebody acknowledges it. */
export const increments = (url: string): LoadOptions => ({
  url,
  users: 30,
  ratePerSecond: 60,
  request: (uid, turn) => ({ method: "POST", path: `/u/${uid}/incr`, key: `k${turn}` }),
  read: ({ text }) => JSON.parse(text) as Reading, // { count, pod, incarnation, token }
  retry: { withinMs: 60_000 },
  maxInFlight: 5000, // more than come while nobody is served
  ...(SEED && { seed: Number(SEED) }),
});

export async function countAt(url: string, uid: string): Promise<number> {
  const response = await fetch(`${url}/u/${uid}`);
  if (!response.ok) throw new Error(`${uid}: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { readonly count: number }).count;
}
// #endregion
