import { setTimeout as wait } from "node:timers/promises";
import { AppLog } from "./app-log.ts";
import type { AppOptions } from "./app-options.ts";
import { checkAppOptions, checkWait } from "./app-options.ts";
import type { Ending } from "./ending.ts";
import { describeEnd } from "./ending.ts";
import { Life } from "./life.ts";
import type { Act, ActKind } from "./record.ts";
import type { AppRestartOptions, AppState, SaysOptions, SupervisedApp, TerminateOptions } from "./supervised-app.ts";

const STOP_WITHIN_MS = 10_000;
const SAYS_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 20;

/** What an app tells its supervisor. */
export interface AppEvents {
  /** Before each start. Throws when there must be no more. */
  onStart(): void;
  onAct(act: Act): void;
  onUnexpectedEnd(app: SupervisedApp, ending: Ending): void;
}

/** An app and its lives. */
export class StartedApp implements SupervisedApp {
  readonly name: string;
  readonly #log: AppLog;
  readonly #events: AppEvents;
  #options: AppOptions;
  #life: Life;
  #starts = 0;

  constructor(options: AppOptions, logFile: string, events: AppEvents) {
    this.name = options.name;
    this.#log = new AppLog(logFile);
    this.#events = events;
    this.#options = options;
    this.#life = this.#begin();
  }

  get state(): AppState {
    return this.#life.state;
  }

  get pid(): number | undefined {
    return this.#life.pid;
  }

  get starts(): number {
    return this.#starts;
  }

  get url(): string | undefined {
    return this.#life.url;
  }

  get logFile(): string {
    return this.#log.file;
  }

  whenReady(): Promise<void> {
    return this.#life.ready;
  }

  whenEnded(): Promise<Ending> {
    return this.#life.ended;
  }

  kill(): Promise<Ending> {
    return this.#life.kill();
  }

  pause(): void {
    this.signal("SIGSTOP");
  }

  resume(): void {
    this.signal("SIGCONT");
  }

  async terminate({ withinMs = this.#options.stopWithinMs ?? STOP_WITHIN_MS }: TerminateOptions = {}): Promise<Ending> {
    checkWait("withinMs", withinMs, 0);
    return this.#life.terminate(withinMs);
  }

  signal(signal: NodeJS.Signals): void {
    this.#life.signal(signal);
  }

  async restart({ env }: AppRestartOptions = {}): Promise<void> {
    const options = { ...this.#options, env: { ...this.#options.env, ...env } };
    checkAppOptions(options);
    await this.terminate();
    await this.startAgain(options).whenReady();
  }

  log(): string {
    return this.#log.all();
  }

  async says(pattern: RegExp, { withinMs = SAYS_WITHIN_MS }: SaysOptions = {}): Promise<RegExpExecArray> {
    checkWait("withinMs", withinMs, 0);
    const life = this.#life;
    const once = new RegExp(pattern, pattern.flags.replace(/[gy]/g, ""));
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const isLast = life.state === "ended" || performance.now() >= deadlineMs;
      const found = once.exec(this.#log.ofThisLife());
      if (found !== null) return found;
      if (isLast) break;
      await wait(LOOK_EVERY_MS);
    }
    const when = life.state !== "ended" ? `within ${withinMs} ms` : "before it ended";
    throw new Error(`${this.name} has not written ${String(pattern)} ${when}. ${this.#log.end()}`);
  }

  /** After its end: a new life, of these options. @throws Error when it has not ended */
  startAgain(options: AppOptions): this {
    if (this.state !== "ended") throw new Error(`${this.name} runs already, as ${this.pid}`);
    this.#options = options;
    this.#life = this.#begin();
    return this;
  }

  #begin(): Life {
    this.#events.onStart();
    const number = this.#starts + 1;
    this.#log.beginLife(`life ${number} of ${this.name}, ${new Date().toISOString()}`);
    const note = (what: ActKind, detail?: string): void => this.#note(life, number, what, detail);
    const life: Life = new Life(this.#options, this.#log, {
      onReady: (url) => note("ready", url),
      onSignal: (signal) => note(signal),
      onEnd: (ending) => {
        const how = `${describeEnd(ending)}${ending.wasAsked ? "" : ", unasked"}${ending.wasOverdue ? ", overdue" : ""}`;
        this.#log.endLife(`life ${number} of ${this.name} ended: ${how}`);
        note("end", how);
        if (!ending.wasAsked) this.#events.onUnexpectedEnd(this, ending);
      },
    });
    this.#starts = number;
    note("start");
    return life;
  }

  #note({ pid }: Life, life: number, what: ActKind, detail?: string): void {
    const { name } = this;
    const atMs = performance.now();
    this.#events.onAct({
      atMs,
      name,
      life,
      what,
      ...(pid !== undefined && { pid }),
      ...(detail !== undefined && { detail }),
    });
  }
}
