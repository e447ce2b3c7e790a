import { appendFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Subscription } from "@podlink/types";
import { Listeners, refuse } from "@podlink/types";
import type { AppOptions } from "./app-options.ts";
import { checkAppOptions, refuseUnknown } from "./app-options.ts";
import type { Ending } from "./ending.ts";
import type { Act, Outage } from "./record.ts";
import { outagesOf } from "./record.ts";
import { StartedApp } from "./started-app.ts";
import type { SupervisedApp } from "./supervised-app.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface SupervisorOptions {
  /**
   * Where logs are kept: `<name>.log` of each app, appended to, and `record.jsonl`. Made when it isn't there, and never removed.
   * Default: a temporary directory, removed by `end`.
   */
  readonly logDirectory?: string;
}

/** An app whose process has ended though nobody here told it to. */
export interface UnexpectedEnd {
  readonly app: SupervisedApp;
  readonly ending: Ending;
}

/** Starts programs, disturbs them, and ends them all, however the test ends. */
export class Supervisor implements AsyncDisposable {
  readonly logDirectory: string;
  readonly #isTemporary: boolean;
  readonly #apps = new Map<string, StartedApp>();
  readonly #record: Act[] = [];
  readonly #listeners = new Listeners<UnexpectedEnd>();
  #ended: Promise<void> | undefined;

  constructor(options: SupervisorOptions = {}) {
    refuseUnknown("supervisor", options, ["logDirectory"]);
    const { logDirectory } = options;
    if (logDirectory === "") refuse("supervisor.logDirectory", "a path", logDirectory);
    this.#isTemporary = logDirectory === undefined;
    this.logDirectory = logDirectory ?? temporaryDirectory("supervisor");
    mkdirSync(this.logDirectory, { recursive: true });
  }

  /** Those that were started, in the order of their first start, with those that have ended. */
  get apps(): readonly SupervisedApp[] {
    return Array.from(this.#apps.values());
  }

  /** What was done and seen, in order: what a fault was, from when to when. */
  get record(): readonly Act[] {
    return this.#record;
  }

  /** When which app could not serve, from the record. */
  outages(): Outage[] {
    return outagesOf(this.#record);
  }

  /** @throws Error when there is none of that name */
  app(name: string): SupervisedApp {
    const app = this.#apps.get(name);
    if (app === undefined)
      throw new Error(`there is no ${name}; there are ${Array.from(this.#apps.keys()).join(", ")}`);
    return app;
  }

  /**
   * Starts a program; resolves when it is ready. The name of one that has ended may be used again: it is the same app, and
   * its log goes on.
   * @throws Error when it ends before or takes too long, with the end of its output; then nothing is left of it.
   * RouteError INVALID_ARGUMENT for bad options.
   */
  async start(options: AppOptions): Promise<SupervisedApp> {
    const app = this.launch(options);
    await app.whenReady();
    return app;
  }

  /** Starts a program and doesn't wait: see `whenReady`. @throws as `start`, for bad options and a name that runs already */
  launch(options: AppOptions): SupervisedApp {
    checkAppOptions(options);
    const known = this.#apps.get(options.name);
    if (known !== undefined) return known.startAgain(options);
    const app = new StartedApp(options, join(this.logDirectory, `${options.name}.log`), {
      onStart: () => this.#refuseWhenEnded(),
      onAct: (act) => this.#note(act),
      onUnexpectedEnd: (it, ending) => this.#listeners.emit({ app: it, ending }),
    });
    this.#apps.set(app.name, app);
    return app;
  }

  /** Hears of every process that ends though nobody here told it to. */
  onUnexpectedEnd(hear: (end: UnexpectedEnd) => void): Subscription {
    return this.#listeners.add(hear);
  }

  /** Kills what runs, stopped or not, and removes the logs unless they are to be kept. The second time does nothing. */
  end(): Promise<void> {
    this.#ended ??= this.#endAll();
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #endAll(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.kill()));
    await Promise.allSettled(this.apps.map((app) => app.whenReady())); // its error quotes the log
    this.#listeners.clear();
    if (this.#isTemporary) rmSync(this.logDirectory, { recursive: true, force: true });
  }

  #refuseWhenEnded(): void {
    if (this.#ended !== undefined) throw new Error("the supervisor has ended, and starts nothing any more");
  }

  #note(act: Act): void {
    this.#record.push(act);
    appendFileSync(join(this.logDirectory, "record.jsonl"), `${JSON.stringify(act)}\n`);
  }
}
