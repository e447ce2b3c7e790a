import type { CountBreach, Load, LoadReport, RoomLoad, UserFigures } from "@podlink/testkit/load";
import { countBreaches, roomLoad, startLoad } from "@podlink/testkit/load";
import { sleep } from "@podlink/types";
import { SERVICE } from "./names.ts";
import { everyGateway, Requests } from "./requests.ts";
import { times } from "./times.ts";

/** Every second user sends an Idempotency-Key and repeats a request until it is acknowledged; the others' requests have none. */
export const hasKeys = (uid: string): boolean => Number(uid.slice(uid.lastIndexOf("-") + 1)) % 2 === 0;

const WARM_UP_PER_SECOND = 120;
/** In an outage of some seconds repeats must not become a load of their own. */
const PATIENCE = { minBackoffMs: 250, maxBackoffMs: 4000 };
const READ_WITHIN_MS = 20_000;

export interface CrowdOptions {
  readonly urls: readonly string[];
  readonly users: number;
  readonly ratePerSecond: number;
  readonly seed: number;
  /** How long gateways hold a request, in milliseconds: users wait for longer. */
  readonly holdMs: number;
}

/** The users of the run, with all that became of their requests. */
export class Crowd {
  readonly requests: Requests = new Requests();
  /** How long a user waits for an answer, in milliseconds. */
  readonly attemptMs: number;
  readonly reports: LoadReport[] = [];
  readonly #options: CrowdOptions;
  readonly #uids: readonly string[];
  readonly #figures = new Map<string, UserFigures>();
  #load: Load | undefined;
  #parts = 0;

  constructor(options: CrowdOptions) {
    this.#options = options;
    this.attemptMs = options.holdMs + times.answerMs;
    this.#uids = Array.from({ length: options.users }, (_, index) => `user-${index}`);
  }

  /** Every user is seen once by every gateway, and changes nothing. @throws Error when somebody is not served */
  async warmUp(signal: AbortSignal): Promise<void> {
    await Promise.all(
      everyGateway.map(async (gateway) => {
        const { read } = roomLoad();
        const load = await startLoad({
          url: this.#options.urls[gateway] ?? "",
          users: this.#uids,
          ratePerSecond: WARM_UP_PER_SECOND,
          requests: this.#uids.length,
          request: (uid) => ({ method: "GET", path: `/s/${SERVICE}/u/${uid}/state` }),
          read,
          retry: { withinMs: READ_WITHIN_MS },
          onEnd: this.requests.listener([gateway], true),
          signal,
        });
        await load.allDue;
        const { figures, reasons } = await load.end({ deadlineMs: READ_WITHIN_MS });
        if (figures.acknowledged < figures.due)
          throw new Error(`not everybody was served at first: ${JSON.stringify(reasons)}`);
      }),
    );
  }

  /** Load begins, or goes on after a rest. */
  async begin(signal: AbortSignal): Promise<void> {
    const [keyed, plain] = [roomLoad(), roomLoad({ keys: false })];
    const { urls, ratePerSecond, seed } = this.#options;
    this.#parts += 1;
    this.#load = await startLoad({
      url: urls,
      users: this.#uids,
      ratePerSecond,
      userOrder: "random",
      seed: seed + this.#parts,
      request: (uid, turn): ReturnType<RoomLoad["request"]> => (hasKeys(uid) ? keyed : plain).request(uid, turn),
      read: keyed.read,
      timeoutMs: this.attemptMs,
      retry: { withinMs: times.retryMs, ...PATIENCE },
      maxInFlight: ratePerSecond * 60,
      onEnd: this.requests.listener(everyGateway, false),
      signal,
    });
  }

  /** Load rests: nothing is due any more, and what is under way has its time to end. */
  async rest(): Promise<void> {
    const load = this.#load;
    if (load === undefined) return;
    this.reports.push(await load.end({ deadlineMs: times.retryMs + 2 * this.attemptMs }));
    for (const user of load.users()) this.#figures.set(user.uid, sum(this.#figures.get(user.uid), user));
    this.#load = undefined;
  }

  figures(): UserFigures[] {
    return Array.from(this.#figures.values());
  }

  /** How many changes a user has by now, on the average. */
  get changesOfOne(): number {
    const acknowledged = this.reports.reduce((sum, { figures }) => sum + figures.acknowledged, 0);
    return acknowledged / this.#uids.length;
  }

  /** Counters that their acknowledgements don't explain. */
  breaches(): Promise<CountBreach[]> {
    return countBreaches(this.#figures.values(), (uid) => this.#countOf(uid));
  }

  /** As the service says it. @throws Error when it can't be asked in time */
  async #countOf(uid: string): Promise<number> {
    const endsAtMs = performance.now() + READ_WITHIN_MS;
    for (;;) {
      const response = await fetch(`${this.#options.urls[0]}/s/${SERVICE}/u/${uid}/state`);
      const text = await response.text();
      if (response.ok) return (JSON.parse(text) as { count: number }).count;
      if (performance.now() > endsAtMs)
        throw new Error(`the counter of ${uid} can't be read: ${response.status} ${text}`);
      await sleep(100);
    }
  }
}

/** What is known of a user after another part of the load. */
function sum(before: UserFigures | undefined, user: UserFigures): UserFigures {
  if (before === undefined) return user;
  return {
    ...user,
    requests: before.requests + user.requests,
    acknowledgedRequests: before.acknowledgedRequests + user.acknowledgedRequests,
    acknowledged: before.acknowledged + user.acknowledged,
    doubtful: before.doubtful + user.doubtful,
    highestCount: Math.max(before.highestCount ?? 0, user.highestCount ?? 0),
    moves: before.moves + user.moves,
    splitTokens: before.splitTokens + user.splitTokens,
  };
}
