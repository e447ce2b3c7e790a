import { setMaxListeners } from "node:events";
import { defer, sleep } from "@podlink/types";
import { dueTimes } from "./arrivals.ts";
import type { RequestEnd } from "./figures.ts";
import type { LoadRequest } from "./http-answer.ts";
import { checkRequest } from "./http-answer.ts";
import { HttpAttempts } from "./http-attempts.ts";
import { Kinds } from "./kinds.ts";
import type { LoadReport } from "./load-report.ts";
import { messageOf } from "./message-of.ts";
import type { LoadSettings } from "./options.ts";
import { Phases } from "./phases.ts";
import { seededRandom } from "../seeded-random.ts";
import type { RequestPorts, RequestResult } from "./run-request.ts";
import { isChange, runRequest } from "./run-request.ts";
import { Timeline } from "./timeline.ts";
import type { Reading } from "./user-record.ts";
import { Users } from "./users.ts";

const MAX_FAILURES = 10;
/** The longest that Node's timers take. */
const MAX_TIMER_MS = 2_147_483_647;

/** Which request it is, whose, and when it is due. */
interface Turn {
  readonly turn: number;
  readonly uid: string;
  readonly dueMs: number;
}

interface HowItEnded {
  readonly troubles?: readonly string[];
  readonly firstEndedMs?: number | undefined;
  readonly reading?: Reading | undefined;
}

/** The requests of a load: when they are due, what is under way, what became of them. */
export class RunningLoad {
  readonly phases: Phases = new Phases();
  readonly users: Users = new Users();
  readonly #settings: LoadSettings;
  readonly #ports: RequestPorts;
  readonly #random: () => number;
  readonly #due: Generator<number, never>;
  readonly #startedAt = new Date();
  readonly #originMs = performance.now();
  readonly #timeline: Timeline;
  readonly #reasons = new Kinds();
  readonly #failures: string[] = [];
  readonly #allDue = defer<void>();
  readonly #idle = defer<void>();
  readonly #gaveUp = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isPlanOver = false;
  #nextDueMs: number;
  #turn = 0;
  #underWay = 0;
  #endedAtMs: number | undefined;

  constructor(settings: LoadSettings) {
    this.#settings = settings;
    const { url, timeoutMs, classify, read, retry, ratePerSecond, arrivals, seed, timelineMs } = settings;
    // Chance of its own for the plan: which requests there are does not depend on how they end.
    this.#random = seededRandom(seed);
    this.#due = dueTimes({ ratePerSecond, arrivals, random: this.#random });
    this.#nextDueMs = this.#due.next().value;
    this.#timeline = new Timeline(timelineMs);
    const { signal } = this.#gaveUp;
    setMaxListeners(0, signal); // one for each request that waits for its repeat
    this.#ports = {
      attempts: new HttpAttempts(url, timeoutMs),
      classify,
      read,
      retry,
      random: seededRandom(seed + 1),
      nowMs: () => this.nowMs,
      pause: (ms) => sleep(ms, { signal }),
      givenUp: () => signal.aborted,
    };
  }

  /** Since the start; stands still once the load has ended. */
  get nowMs(): number {
    return this.#endedAtMs ?? performance.now() - this.#originMs;
  }

  /** Begins. Resolves when the last request was due. */
  start(): Promise<void> {
    this.#sendWhatIsDue();
    return this.#allDue.promise;
  }

  /** Nothing is due any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#isPlanOver = true;
    this.#allDue.resolve();
    this.#noteIdle();
  }

  /** What is under way ends now, as far as it got. */
  giveUp(): void {
    this.#gaveUp.abort();
    this.#ports.attempts.abort();
  }

  /** Resolves when the plan is over and nothing is under way. */
  idle(): Promise<void> {
    return this.#idle.promise;
  }

  async close(): Promise<void> {
    this.#endedAtMs ??= this.nowMs;
    await this.#ports.attempts.close();
  }

  report(): Omit<LoadReport, "sockets"> {
    const { ratePerSecond, arrivals, seed, timelineMs } = this.#settings;
    const { nowMs } = this;
    return {
      startedAt: this.#startedAt.toISOString(),
      lastedMs: nowMs,
      ratePerSecond,
      arrivals,
      seed,
      figures: this.phases.whole,
      marks: this.phases.marks,
      phases: this.phases.list(nowMs),
      timelineMs,
      timeline: this.#timeline.rows,
      droppedRows: this.#timeline.dropped,
      reasons: this.#reasons.counts,
      failures: this.#failures.slice(),
      users: this.users.report(nowMs),
    };
  }

  /** Everything that is due by now goes out at once, however much it is: a plan that waits for its executor is a closed loop. */
  #sendWhatIsDue(): void {
    const { requests = Infinity, durationMs = Infinity } = this.#settings;
    const nowMs = this.nowMs;
    while (this.#nextDueMs <= nowMs && !this.#isPlanOver) {
      if (this.#nextDueMs < durationMs) this.#take(this.#nextDueMs);
      this.#nextDueMs = this.#due.next().value;
      if (this.#nextDueMs >= durationMs || this.#turn >= requests) this.stop();
    }
    if (this.#isPlanOver) return;
    this.#timer = setTimeout(() => this.#sendWhatIsDue(), Math.min(this.#nextDueMs - this.nowMs, MAX_TIMER_MS));
  }

  #take(dueMs: number): void {
    const turn = this.#turn++;
    const { users, userOrder, maxInFlight } = this.#settings;
    const index = userOrder === "random" ? Math.floor(this.#random() * users.length) : turn % users.length;
    const uid = users[index]!;
    const latenessMs = this.nowMs - dueMs;
    const request = { turn, uid, dueMs };
    this.phases.at(dueMs).due(latenessMs);
    this.#timeline.due(dueMs);
    if (this.#underWay >= maxInFlight) {
      this.#end(request, "shed");
      return;
    }
    this.#underWay += 1;
    void this.#run(request).finally(() => {
      this.#underWay -= 1;
      this.#noteIdle();
    });
  }

  async #run(which: Turn): Promise<void> {
    const { turn, uid, dueMs } = which;
    let request: LoadRequest;
    try {
      request = checkRequest(this.#settings.request(uid, turn));
    } catch (error) {
      this.#fail(`request(${JSON.stringify(uid)}, ${turn}): ${messageOf(error)}`);
      this.#end(which, "failed");
      return;
    }
    const user = this.users.of(uid);
    const underWay = user.begin(dueMs);
    const troubles: string[] = [];
    let firstEndedMs: number | undefined;
    const result = await runRequest(request, which, this.#ports, {
      troubled: (reason) => {
        firstEndedMs ??= this.nowMs;
        troubles.push(reason);
        this.#reasons.add(reason);
        user.troubled(underWay);
      },
      retry: () => {
        this.phases.at(dueMs).retry();
        this.#timeline.retry(dueMs);
      },
    });
    if (result.outcome === "acknowledged") user.served(this.nowMs);
    if (result.reading !== undefined) user.read(result.reading);
    user.end(underWay, changeOf(request, result));
    if (result.failure !== undefined) this.#fail(result.failure);
    this.#end(which, result.outcome, { troubles, firstEndedMs, reading: result.reading });
  }

  #end(which: Turn, outcome: RequestEnd, how: HowItEnded = {}): void {
    const { dueMs } = which;
    const endedMs = this.nowMs;
    this.phases.at(dueMs).ended(outcome, endedMs - dueMs);
    this.#timeline.ended(dueMs, outcome, endedMs - dueMs);
    const { troubles = [], firstEndedMs = endedMs, reading } = how;
    try {
      this.#settings.onEnd({ ...which, firstEndedMs, endedMs, outcome, troubles, ...(reading && { reading }) });
    } catch (error) {
      this.#fail(`onEnd: ${messageOf(error)}`);
    }
  }

  #fail(failure: string): void {
    if (this.#failures.length < MAX_FAILURES) this.#failures.push(failure);
  }

  #noteIdle(): void {
    if (this.#isPlanOver && this.#underWay === 0) this.#idle.resolve();
  }
}

function changeOf(
  request: LoadRequest,
  { outcome, isDoubtful }: RequestResult,
): "acknowledged" | "doubtful" | undefined {
  if (isDoubtful) return "doubtful";
  return outcome === "acknowledged" && isChange(request) ? "acknowledged" : undefined;
}
