import { checkDurationMs, keepAliveUntil, RouteError, sleep } from "@podlink/types";
import type { Figures } from "./figures.ts";
import type { LoadReport } from "./load-report.ts";
import type { LoadOptions } from "./options.ts";
import { parseLoadOptions } from "./options.ts";
import type { Mark } from "./phases.ts";
import { RunningLoad } from "./running-load.ts";
import type { Sockets } from "./sockets/sockets.ts";
import { startSockets } from "./sockets/sockets.ts";
import type { UserFigures } from "./user-record.ts";

export interface EndOptions {
  /** How long requests under way may take to end, in milliseconds; then they are given up. Default 5000; 0: they are given up now. */
  readonly deadlineMs?: number;
}

/** Load that runs until it is ended. */
export interface Load extends AsyncDisposable {
  /** Resolves when the last request of the plan was due (`requests`, `durationMs`), or the load was ended. */
  readonly allDue: Promise<void>;
  /** The sockets beside it. Absent: none were asked for. */
  readonly sockets?: Sockets;
  /** Milliseconds from the start: what marks, timeline and users' figures count in. */
  readonly nowMs: number;
  /** Gives this moment a name; what is due from now on belongs to a phase of its own. @throws RouteError INVALID_ARGUMENT for the 1001st. */
  mark(name: string): Mark;
  /** The figures of what was due between two marks; without `to`, until now. @throws RouteError INVALID_ARGUMENT */
  between(from: Mark, to?: Mark): Figures;
  /** Absent: the user has not asked yet. */
  user(uid: string): UserFigures | undefined;
  /** Everybody who has asked. */
  users(): Iterable<UserFigures>;
  /** The report so far. */
  report(): LoadReport;
  /**
   * Nothing is due any more; waits for what is under way and for the sockets to see what was acknowledged, gives up the
   * rest at the deadline, and closes all connections. A second call can only bring the deadline forward.
   */
  end(options?: EndOptions): Promise<LoadReport>;
}

/**
 * Starts load, once its sockets are open: requests are due by plan, whatever the answers are (an open loop), and latency
 * is counted from when a request was due. So a stall shows in the figures as its users would feel it.
 * (Gil Tene, "How NOT to Measure Latency": coordinated omission.)
 * @throws RouteError CONFIG; TIMEOUT when the sockets aren't open in time; CANCELLED when the signal is aborted already
 */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const settings = parseLoadOptions(options);
  const { signal } = settings;
  if (signal?.aborted === true) throw new RouteError("CANCELLED", "the load's signal was aborted before it began");
  const sockets = options.sockets && startSockets(socketOptions(options, settings.seed));
  try {
    await sockets?.opened;
  } catch (error) {
    await sockets?.end();
    throw error;
  }
  return new OpenLoop(new RunningLoad(settings), sockets, signal);
}

function socketOptions({ url, users, sockets, signal }: LoadOptions, seed: number): Parameters<typeof startSockets>[0] {
  return { url, users, seed, ...(signal && { signal }), ...sockets } as Parameters<typeof startSockets>[0];
}

const END_DEADLINE_MS = 5000;

class OpenLoop implements Load {
  readonly allDue: Promise<void>;
  declare readonly sockets?: Sockets;
  readonly #running: RunningLoad;
  /** Aborted when what is under way has had its time. */
  readonly #patience = new AbortController();
  readonly #over = new AbortController();
  #ending: Promise<LoadReport> | undefined;

  constructor(running: RunningLoad, sockets: Sockets | undefined, signal: AbortSignal | undefined) {
    this.#running = running;
    if (sockets !== undefined) this.sockets = sockets;
    this.#patience.signal.addEventListener("abort", () => running.giveUp(), { once: true });
    this.allDue = running.start();
    const abort = (): void => void this.end({ deadlineMs: 0 });
    signal?.addEventListener("abort", abort, { once: true, signal: this.#over.signal });
    if (signal?.aborted === true) abort();
  }

  get nowMs(): number {
    return this.#running.nowMs;
  }

  mark(name: string): Mark {
    return this.#running.phases.mark(name, this.nowMs);
  }

  between(from: Mark, to?: Mark): Figures {
    return this.#running.phases.between(from, to);
  }

  user(uid: string): UserFigures | undefined {
    return this.#running.users.find(uid)?.figures(this.nowMs);
  }

  users(): Iterable<UserFigures> {
    return this.#running.users.figures(this.nowMs);
  }

  report(): LoadReport {
    const sockets = this.sockets?.report(this.#sequenceOf);
    return { ...this.#running.report(), ...(sockets && { sockets }) };
  }

  end({ deadlineMs = END_DEADLINE_MS }: EndOptions = {}): Promise<LoadReport> {
    checkDurationMs(deadlineMs, "deadlineMs");
    this.#running.stop();
    if (deadlineMs === 0) this.#patience.abort();
    else void sleep(deadlineMs, { signal: this.#over.signal }).then(() => this.#patience.abort());
    this.#ending ??= keepAliveUntil(this.#end());
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end({ deadlineMs: 0 });
  }

  async #end(): Promise<LoadReport> {
    await this.#running.idle();
    await this.sockets?.seen(this.#sequenceOf, this.#patience.signal);
    this.#over.abort();
    await Promise.all([this.#running.close(), this.sockets?.end()]);
    return this.report();
  }

  readonly #sequenceOf = (uid: string): number | undefined =>
    this.#running.users.find(uid)?.figures(this.nowMs).highestSequence;
}
