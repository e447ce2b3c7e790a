import type { AppEnvironment, AppOptions, SupervisedApp, UnexpectedEnd } from "@podlink/testkit";
import { freePort, Supervisor } from "@podlink/testkit";
import type { Times } from "./times.ts";
import { processTimes } from "./times.ts";

export interface SampleAppsOptions {
  readonly redisUrl: string;
  /** Where sessions are kept. Default: the same Redis. */
  readonly sessionRedisUrl?: string;
  /** Default: those for processes that share a small machine. */
  readonly times?: Times;
  /** What all of them have in their environment. */
  readonly env?: AppEnvironment;
  /** Default: logs go with the test. */
  readonly logDirectory?: string;
}

/** Gateways and pods of the sample service, each a process of its own, over one Redis. They die with the test. */
export class SampleApps implements AsyncDisposable {
  readonly supervisor: Supervisor;
  /** The ends that nobody here asked for. */
  readonly unexpectedEnds: UnexpectedEnd[] = [];
  readonly #env: AppEnvironment;

  constructor({ redisUrl, sessionRedisUrl, times = processTimes, env, logDirectory }: SampleAppsOptions) {
    this.supervisor = new Supervisor({ ...(logDirectory !== undefined && { logDirectory }) });
    this.supervisor.onUnexpectedEnd((end) => this.unexpectedEnds.push(end));
    this.#env = {
      REDIS_URL: redisUrl,
      SESSION_REDIS_URL: sessionRedisUrl,
      TIMES: JSON.stringify(times),
      ...env,
    };
  }

  /** Pods from 0, and gateways from 0, all ready. */
  static async start(
    sizes: { readonly pods: number; readonly gateways: number },
    options: SampleAppsOptions,
  ): Promise<SampleApps> {
    const apps = new SampleApps(options);
    try {
      await apps.scaleTo(sizes.pods);
      await Promise.all(Array.from({ length: sizes.gateways }, (_, index) => apps.startGateway(index)));
      return apps;
    } catch (error) {
      await apps.end();
      throw error;
    }
  }

  /** The pods that run, by index. */
  get rooms(): readonly SupervisedApp[] {
    return this.#running("room-").toSorted((a, b) => indexOf(a) - indexOf(b));
  }

  get gateways(): readonly SupervisedApp[] {
    return this.#running("gateway-");
  }

  /** @throws Error when there never was one */
  room(podIndex: number): SupervisedApp {
    return this.supervisor.app(`room-${podIndex}`);
  }

  /** A pod; `env` is its own, beside that of all. One that was ended comes back under its index, at another address. */
  startRoom(podIndex: number, env: AppEnvironment = {}): Promise<SupervisedApp> {
    return this.supervisor.start(this.#options(`room-${podIndex}`, ["room", String(podIndex)], env));
  }

  /**
   * A gateway; it keeps its port when it is restarted. Started after a pod it knows it; a pod that joins later is known to it
   * some milliseconds after it is ready.
   */
  async startGateway(index: number, env: AppEnvironment = {}): Promise<SupervisedApp> {
    const PORT = String(await freePort());
    return this.supervisor.start(this.#options(`gateway-${index}`, ["gateway"], { PORT, ...env }));
  }

  /** As a StatefulSet does it: those that are missing are started, those with the highest indexes are terminated one by one. */
  async scaleTo(pods: number): Promise<void> {
    const runs = new Set(this.rooms.map(indexOf));
    const missing = Array.from({ length: pods }, (_, podIndex) => podIndex).filter((podIndex) => !runs.has(podIndex));
    await Promise.all(missing.map((podIndex) => this.startRoom(podIndex)));
    for (const room of this.rooms.toReversed()) if (indexOf(room) >= pods) await room.terminate();
  }

  /** As a deployment does it: from the highest index down, each ready before the next one's turn. */
  async rollingRestart(env: AppEnvironment = {}): Promise<void> {
    for (const room of this.rooms.toReversed()) await room.restart({ env });
  }

  async end(): Promise<void> {
    await this.supervisor.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #running(prefix: string): SupervisedApp[] {
    return this.supervisor.apps.filter(({ name, state }) => name.startsWith(prefix) && state !== "ended");
  }

  #options(name: string, args: readonly string[], env: AppEnvironment): AppOptions {
    const script = new URL("sample-app.process.ts", import.meta.url);
    return {
      name,
      node: { script, args, execArgv: ["--import", "tsx", "-C", "@podlink/source"] },
      env: { ...this.#env, ...env },
      ready: "message",
      readyWithinMs: 60_000, // many at once on a small machine
    };
  }
}

const indexOf = ({ name }: SupervisedApp): number => Number(name.split("-").at(-1));
