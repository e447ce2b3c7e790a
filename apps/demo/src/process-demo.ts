import { RouteError, sleep, systemClock, withDeadline } from "@podlink/types";
import { AppProcess } from "./app-process.ts";
import type { DemoOptions } from "./options.ts";

/** Ctrl-C ends the demo within 5 s: what has not drained by then is killed. */
const KILL_AFTER_MS = 4500;
/** Pods drain by themselves earlier than that. A deployment takes the defaults. */
const drain = {
  HEARTBEAT_INTERVAL_MS: "500",
  PROPAGATION_MS: "300",
  HAND_OFF_TIMEOUT_MS: "1000",
  STOP_DEADLINE_MS: "3000",
};
const START_WITHIN_MS = 20_000;
const ROUTES_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 50;

/** A process of the demo that runs. */
interface Running {
  readonly name: string;
  readonly pid: number | undefined;
  readonly url: string;
}

/** Hears what nobody asked for. */
interface Reports {
  /** A pod's process is gone. */
  podDied(text: string): void;
  /** The gateway's is: nothing can be reached any more. */
  gatewayDied(text: string): void;
}

/** A gateway and its pods, each a process of its own, over one Redis. */
export interface ProcessDemo {
  readonly gateway: Running;
  readonly rooms: readonly Running[];
  /** Why the gateway routes nobody yet. Absent: it does. */
  readonly notRouting?: string | undefined;
  /** From now on says what nobody asked for, also what has happened already. */
  watch(reports: Reports): void;
  /** Drains the pods, then ends the gateway, all within 5 s. A second call hurries. */
  stop(): Promise<void>;
}

/** Starts the processes; resolves when all of them listen. Rejects when one doesn't, and then none is left. */
export async function startProcesses(
  options: Pick<DemoOptions, "port" | "pods">,
  redisUrl: string,
): Promise<ProcessDemo> {
  const processes = new Processes(options, redisUrl);
  try {
    const urls = await processes.listening();
    const running = processes.all.map(({ name, pid }, index) => ({ name, pid, url: urls[index] ?? "" }));
    const [gateway, ...rooms] = running as [Running, ...Running[]];
    const notRouting = await whyNotRouting(gateway.url);
    const watch = (reports: Reports): void => processes.watch(reports);
    return { gateway, rooms, notRouting, watch, stop: () => processes.stop() };
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

class Processes {
  readonly #gateway: AppProcess;
  readonly #rooms: readonly AppProcess[];
  #stopped: Promise<void> | undefined;

  constructor({ port, pods }: Pick<DemoOptions, "port" | "pods">, redisUrl: string) {
    // Of what this process was told, only what is named here is meant for all of them.
    const common = { REDIS_URL: redisUrl, HOST: "127.0.0.1", STORE: undefined, PODLINK_STORE: undefined };
    const level = { LOG_LEVEL: process.env["LOG_LEVEL"] ?? "warn" };
    this.#gateway = new AppProcess("gateway", "gateway", {
      ...common,
      ...level,
      PORT: String(port),
      PODLINK_NAMESPACE: "demo",
      SERVICES: "room",
      ALLOW_ANONYMOUS: undefined,
      CLOSE_DEADLINE_MS: "1000",
    });
    this.#rooms = Array.from({ length: pods }, (_, podIndex) => {
      const identity = { NAMESPACE: "demo", SERVICE: "room", POD_INDEX: String(podIndex) };
      return new AppProcess(`room-${podIndex}`, "room", { ...common, ...level, ...drain, ...identity, PORT: "0" });
    });
  }

  /** The gateway first. */
  get all(): readonly AppProcess[] {
    return [this.#gateway, ...this.#rooms];
  }

  /** Where they listen, in the order of {@link all}. */
  listening(): Promise<string[]> {
    const all = Promise.all(this.all.map((app) => app.listening));
    return withDeadline(all, { timeoutMs: START_WITHIN_MS, what: "the start of the processes" });
  }

  watch(reports: Reports): void {
    for (const app of this.all) {
      void app.ended.then((how) => {
        if (app.isAsked) return;
        const text = `${app.name} (pid ${app.pid}) is gone: ${how}`;
        if (app === this.#gateway) reports.gatewayDied(text);
        else reports.podDied(text);
      });
    }
  }

  stop(): Promise<void> {
    if (this.#stopped === undefined) this.#stopped = this.#drain();
    else for (const app of this.all) if (app.isAsked) void app.end();
    return this.#stopped;
  }

  async #drain(): Promise<void> {
    const limit = setTimeout(() => {
      for (const app of this.all) void app.kill();
    }, KILL_AFTER_MS);
    // The gateway last: requests that pods hold while they hand over still get their answers.
    await Promise.all(this.#rooms.map((room) => room.end()));
    await this.#gateway.end();
    clearTimeout(limit);
  }
}

/** Waits a moment until the gateway knows of a pod. */
async function whyNotRouting(url: string): Promise<string | undefined> {
  const until = systemClock.nowMs() + ROUTES_WITHIN_MS;
  for (;;) {
    const reason = await whyUnhealthy(url);
    if (reason === undefined || systemClock.nowMs() > until) return reason;
    await sleep(LOOK_EVERY_MS);
  }
}

async function whyUnhealthy(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/health`);
    const { reason = `it answers ${response.status}` } = (await response.json()) as { reason?: string };
    return response.ok ? undefined : reason;
  } catch (error) {
    return RouteError.from(error).message;
  }
}
