import { setTimeout as wait } from "node:timers/promises";
import { defer } from "@podlink/types";
import type { AppLog } from "./app-log.ts";
import type { AppOptions } from "./app-options.ts";
import { commandOf, environmentOf } from "./command.ts";
import type { Ending } from "./ending.ts";
import { describeEnd } from "./ending.ts";
import { ProcessGroup } from "./process-group.ts";
import { lookUntilReady } from "./ready-check.ts";
import type { AppState } from "./supervised-app.ts";

const READY_WITHIN_MS = 20_000;
/** Those that a program is told to end by. */
const ENDING: ReadonlySet<string> = new Set(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGABRT", "SIGKILL"]);

/** Hears of a life as it goes, before anybody who waits for it. */
export interface LifeEvents {
  onReady(url: string | undefined): void;
  onSignal(signal: NodeJS.Signals): void;
  onEnd(ending: Ending): void;
}

/** One process of an app, from its start to its end. */
export class Life {
  /** Resolves when it is ready. Rejects when it ended before, or was not ready in time: then it is killed. */
  readonly ready: Promise<void>;
  readonly ended: Promise<Ending>;
  readonly #options: AppOptions;
  readonly #log: AppLog;
  readonly #events: LifeEvents;
  readonly #process: ProcessGroup;
  #state: Exclude<AppState, "stopped" | "ended"> = "starting";
  #isPaused = false;
  #wasAsked = false;
  #wasOverdue = false;
  #url: string | undefined;
  #message: unknown;

  constructor(options: AppOptions, log: AppLog, events: LifeEvents) {
    this.#options = options;
    this.#log = log;
    this.#events = events;
    this.#process = new ProcessGroup({
      command: commandOf(options),
      env: environmentOf(options),
      cwd: options.cwd,
      logFile: log.file,
      onMessage: options.ready === "message" ? (message) => (this.#message ??= message) : undefined,
    });
    const ended = defer<Ending>();
    this.ended = ended.promise;
    void this.#process.ended.then((end) => {
      const ending = { ...end, atMs: performance.now(), wasAsked: this.#wasAsked, wasOverdue: this.#wasOverdue };
      events.onEnd(ending);
      ended.resolve(ending);
    });
    this.ready = this.#untilReady();
    this.ready.catch(() => undefined); // whoever waits for it hears of it
  }

  get state(): AppState {
    if (!this.#process.running) return "ended";
    return this.#isPaused ? "stopped" : this.#state;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get url(): string | undefined {
    return this.#url;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#process.running) return;
    this.#wasAsked ||= ENDING.has(signal);
    if (signal === "SIGSTOP") this.#isPaused = true;
    if (signal === "SIGCONT") this.#isPaused = false;
    this.#events.onSignal(signal);
    this.#process.signal(signal);
  }

  async kill(): Promise<Ending> {
    this.signal("SIGKILL");
    await this.#process.kill();
    return this.ended;
  }

  async terminate(withinMs: number): Promise<Ending> {
    this.signal("SIGTERM");
    const inTime = new AbortController();
    const late = wait(withinMs, true, { signal: inTime.signal }).catch(() => false);
    const isLate = await Promise.race([this.ended.then(() => false), late]);
    inTime.abort();
    this.#wasOverdue ||= isLate;
    return isLate ? this.kill() : this.ended;
  }

  async #untilReady(): Promise<void> {
    const { name, readyWithinMs = READY_WITHIN_MS } = this.#options;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), readyWithinMs);
    void this.#process.ended.then(() => over.abort());
    try {
      const readiness = await lookUntilReady(this.#options.ready, {
        pid: this.#process.pid,
        signal: over.signal,
        output: () => this.#log.ofThisLife(),
        message: () => this.#message,
      });
      if (!this.#process.running) {
        const how = describeEnd(await this.ended);
        throw new Error(`${name} ended before it was ready: ${how}. ${this.#log.end()}`);
      }
      if (!readiness.ready) {
        const cause = new Error(readiness.why);
        const late = new Error(
          `${name} was not ready within ${readyWithinMs} ms: ${readiness.why}. ${this.#log.end()}`,
          { cause },
        );
        await this.kill();
        throw late;
      }
      this.#state = "ready";
      this.#url = readiness.url;
      this.#events.onReady(readiness.url);
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  }
}
