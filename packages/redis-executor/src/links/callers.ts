import type { Answer, CallOptions, Link, RouteError } from "@podlink/types";
import { checkDurationMs, DEFAULT_CALL_TIMEOUT_MS, defer } from "@podlink/types";
import type { Caller, Outcome, PendingOp } from "./pending-op.ts";
import { cancelled } from "./repeats.ts";

/** How long a caller waits, checked. @throws RouteError INVALID_ARGUMENT */
export function timeoutOf(call: CallOptions | undefined): number {
  if (call?.timeoutMs === undefined) return DEFAULT_CALL_TIMEOUT_MS;
  return checkDurationMs(call.timeoutMs, "timeoutMs");
}

/** Settles operations when the signal is aborted, or at once when it is already. @returns ends that. */
function cancelBy(signal: AbortSignal, ops: readonly PendingOp[]): () => void {
  const cancel = (): void => {
    for (const pending of ops) {
      if (pending.isSettled) continue;
      pending.settle({ error: cancelled(pending) });
    }
  };
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  return () => signal.removeEventListener("abort", cancel);
}

/** Waits for one operation. */
export class OneCaller<R> implements Caller {
  readonly #resolve: (value: R) => void;
  readonly #reject: (error: unknown) => void;
  #stopListening: (() => void) | undefined;

  constructor(resolve: (value: R) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  cancelBy(signal: AbortSignal, pending: PendingOp): void {
    this.#stopListening = cancelBy(signal, [pending]);
  }

  settled(_: PendingOp, outcome: Outcome): void {
    this.#stopListening?.();
    if ("error" in outcome) this.#reject(outcome.error);
    else this.#resolve(outcome.value as R);
  }
}

/** Waits for a list of operations, some of which may be refused before they begin. */
export class ListCaller implements Caller {
  readonly #answers: Answer[];
  readonly #answered = defer<void>();
  #open: number;

  constructor(length: number) {
    this.#answers = Array.from({ length });
    this.#open = length;
  }

  /** Hears of an operation that knows its position in the list. */
  settled({ position }: PendingOp, outcome: Outcome): void {
    this.answer(position, outcome);
  }

  answer(position: number, outcome: Outcome): void {
    this.#answers[position] = Object.freeze(outcome) as Answer;
    this.#open -= 1;
    if (this.#open === 0) this.#answered.resolve();
  }

  /**
   * All answers, in the order asked.
   * @param asked what is answered for: settled when the signal is aborted
   */
  async answers(asked: readonly PendingOp[], signal: AbortSignal | undefined): Promise<Answer[]> {
    if (this.#open === 0) return this.#answers;
    const stopListening = signal === undefined ? undefined : cancelBy(signal, asked);
    await this.#answered.promise;
    stopListening?.();
    return this.#answers;
  }
}

/** Waits for the pods that links of one service name. */
export class PodsCaller implements Caller {
  readonly uids: readonly string[];
  readonly #known = new Set<string>();
  readonly #pods: (number | undefined)[];
  readonly #asked: PendingOp[] = [];
  readonly #settled = defer<void>();
  #open: number;
  /** Of the first uid that was refused. */
  #refusal: { readonly position: number; readonly error: RouteError } | undefined;

  constructor(uids: readonly string[]) {
    this.uids = uids;
    this.#pods = uids.map(() => undefined); // `Array.from({ length })` takes ten times as long
    this.#open = uids.length;
  }

  /** Takes what is settled when the signal is aborted. */
  asked(pending: PendingOp): void {
    this.#asked.push(pending);
  }

  /** Whether the uid at this position stands at another one too, where it is asked for: here it counts as nobody. */
  isRepeated(position: number): boolean {
    const { size } = this.#known;
    if (this.#known.add(this.uids[position] as string).size > size) return false;
    this.answer(position, undefined);
    return true;
  }

  settled({ position }: PendingOp, outcome: Outcome): void {
    this.settledAt(position, outcome);
  }

  settledAt(position: number, outcome: Outcome): void {
    this.answer(position, "error" in outcome ? outcome.error : (outcome.value as Link | undefined)?.podIndex);
  }

  /** @param pod undefined: no link is there */
  answer(position: number, pod: number | undefined | RouteError): void {
    this.#open -= 1;
    if (typeof pod !== "object") this.#pods[position] = pod;
    else if (this.#refusal === undefined || position < this.#refusal.position) this.#refusal = { position, error: pod };
    if (this.#open === 0) this.#settled.resolve();
  }

  /**
   * The uids of each pod, in the order asked, when all are answered: whoever asks again after a refusal finds nothing of the last
   * time still waiting. @throws RouteError of the first that is refused
   */
  async byPod(signal: AbortSignal | undefined): Promise<Map<number, string[]>> {
    const stopListening = signal === undefined ? undefined : cancelBy(signal, this.#asked);
    if (this.#open > 0) await this.#settled.promise;
    stopListening?.();
    if (this.#refusal !== undefined) throw this.#refusal.error;
    const byPod = new Map<number, string[]>();
    for (let position = 0; position < this.uids.length; position += 1) {
      const podIndex = this.#pods[position];
      if (podIndex === undefined) continue;
      const uid = this.uids[position] as string;
      const linked = byPod.get(podIndex);
      if (linked === undefined) byPod.set(podIndex, [uid]);
      else linked.push(uid);
    }
    return byPod;
  }
}
