import type { Clock } from "@podlink/types";
import { describeValue, systemClock } from "@podlink/types";
import { intercept } from "./intercept.ts";
import { RecentMap } from "./recent-map.ts";
import type { TokenSighting } from "./token-order.ts";
import { TokenOrder } from "./token-order.ts";
import type { Watcher, WatcherOptions } from "./violation.ts";
import { ms } from "./violation.ts";

/** What a fenced storage compares: the `fence` that sessions pass on. */
export interface WatchedFence {
  readonly token: string;
  readonly holder: string;
}

/** A write, or a load that raised the fence, which the storage took. */
export interface AcceptedWrite extends WatchedFence {
  readonly uid: string;
  /** When it was sent, and when its answer was there. */
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface FencedWriteWatcherOptions extends WatcherOptions {
  /** So many uids are remembered. Default 100,000. */
  readonly maxUids?: number;
}

/** By method, whether an answer says that the storage took the fence. */
export type Accepted = Readonly<Record<string, (answer: unknown) => boolean>>;

/** Holds that a fenced storage never takes a lower (token, holder) after a higher one, nor a token of two holders. */
export class FencedWriteWatcher implements Watcher {
  readonly invariant = "fenced-writes";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #uids: RecentMap<string, TokenOrder>;
  #observed = 0;

  constructor({ onViolation, clock = systemClock, maxUids = 100_000 }: FencedWriteWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#uids = new RecentMap(maxUids);
  }

  get observed(): number {
    return this.#observed;
  }

  /** How many uids' histories were dropped for the bound. */
  get forgotten(): number {
    return this.#uids.forgotten;
  }

  /** In any order of arrival; only what the storage took. */
  accepted({ uid, token, holder, startedMs, endedMs }: AcceptedWrite): void {
    this.#observed += 1;
    let order = this.#uids.get(uid);
    if (order === undefined) this.#uids.set(uid, (order = new TokenOrder()));
    const contradiction = order.see({ token, holder, startedMs, endedMs });
    if (contradiction === undefined) return;
    const { kind, before, after } = contradiction;
    const rule = kind === "went-back" ? "took a lower fence after a higher one" : "took one token of two holders";
    const message = `the storage of ${describeValue(uid)} ${rule}: ${text(before)}, then ${text(after)}`;
    const evidence = { kind, uid, before, after };
    this.#onViolation({ invariant: "fenced-writes", atMs: this.#clock.nowMs(), message, evidence });
  }

  /** Makes one call of the storage and observes it if it was taken; one that rejects was not, as far as is known. */
  async watch<T>(
    uid: string,
    fence: WatchedFence,
    call: () => Promise<T>,
    isAccepted: (answer: T) => boolean = () => true,
  ): Promise<T> {
    const startedMs = this.#clock.nowMs();
    const answer = await call();
    if (isAccepted(answer)) {
      this.accepted({ uid, token: fence.token, holder: fence.holder, startedMs, endedMs: this.#clock.nowMs() });
    }
    return answer;
  }

  /**
   * The storage with its methods `(uid, fence, ...)` observed. Give it to all pods, or to each its own: the order is one.
   * @param accepted Default: `loadAndRaise`, unless it answers `{ refused }`; `write`, if it answers "written".
   */
  through<T extends object>(storage: T, accepted: Accepted = SESSION_STORE): T {
    return intercept(
      storage,
      ({ method, args, run }) => {
        const [uid, fence] = args as [string, WatchedFence];
        return this.watch(uid, fence, async () => run(), accepted[method]);
      },
      Object.keys(accepted),
    );
  }

  /** The storage lost its data: what was seen of the uid (absent: of all) binds it no more. */
  forget(uid?: string): void {
    if (uid === undefined) this.#uids.clear();
    else this.#uids.delete(uid);
  }
}

const SESSION_STORE: Accepted = {
  loadAndRaise: (answer) => typeof answer === "object" && answer !== null && !("refused" in answer),
  write: (answer) => answer === "written",
};

function text({ token, holder, startedMs, endedMs }: TokenSighting): string {
  return `token ${token} of ${holder} (sent at ${ms(startedMs ?? endedMs)}, taken by ${ms(endedMs)})`;
}
