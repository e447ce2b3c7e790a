import { refuse } from "@podlink/types";
import type { AttemptEnd, HttpAnswer, LoadRequest } from "./http-answer.ts";
import type { HttpAttempts } from "./http-attempts.ts";
import { messageOf } from "./message-of.ts";
import type { Outcome } from "./outcome.ts";
import { advisedWaitMs, OUTCOMES, reasonOf } from "./outcome.ts";
import type { Reading } from "./user-record.ts";

/** When a request that was not acknowledged is sent again, with the same Idempotency-Key. */
export interface RetryOptions {
  /** For how long, in milliseconds from when it was due. */
  readonly withinMs: number;
  /** The most that the first wait lasts, in milliseconds; it doubles with each attempt, and is spread evenly from 0. Default 50. */
  readonly minBackoffMs?: number;
  /** The most that a wait lasts, in milliseconds, unless the service asks for longer. Default 1000. */
  readonly maxBackoffMs?: number;
}

/** What a request runs on. */
export interface RequestPorts {
  readonly attempts: HttpAttempts;
  readonly classify: (end: AttemptEnd) => Outcome;
  readonly read: (answer: HttpAnswer, uid: string) => Reading | undefined;
  /** Absent: each request is sent once. */
  readonly retry: Required<RetryOptions> | undefined;
  readonly random: () => number;
  /** Monotonic, from the load's start. */
  readonly nowMs: () => number;
  /** Waits; ends early when the load gives up. */
  readonly pause: (ms: number) => Promise<void>;
  /** The load gives up: nothing is sent any more. */
  readonly givenUp: () => boolean;
}

/** Hears what happens to a request. */
export interface RequestEars {
  /** An attempt ended badly. */
  readonly troubled: (reason: string) => void;
  readonly retry: () => void;
}

/** What became of a request. */
export interface RequestResult {
  readonly outcome: Outcome;
  /** Of the acknowledgement. Absent: there is none, or it says nothing. */
  readonly reading?: Reading;
  /** It may have changed the user's state without being acknowledged. */
  readonly isDoubtful: boolean;
  /** Why it failed, for people. Absent: it did not. */
  readonly failure?: string;
}

/** Whether an acknowledgement of it is a change of the user's state. */
export function isChange({ isChange: said, method }: LoadRequest): boolean {
  return said ?? (method !== "GET" && method !== "HEAD");
}

/** Sends a request until it is acknowledged or may not be sent again. Never rejects. */
export async function runRequest(
  request: LoadRequest,
  { uid, turn, dueMs }: { readonly uid: string; readonly turn: number; readonly dueMs: number },
  ports: RequestPorts,
  ears: RequestEars,
): Promise<RequestResult> {
  const changes = isChange(request);
  const repeatable = request.key !== undefined || !changes;
  let uncertain = false; // an attempt may have been carried out
  const ended = (outcome: Outcome, rest: Pick<RequestResult, "reading" | "failure"> = {}): RequestResult => {
    // What is repeated has a key: all its attempts are one change, and an acknowledgement is for that one.
    return { outcome, isDoubtful: changes && uncertain && outcome !== "acknowledged", ...rest };
  };
  for (let tries = 0; ; tries += 1) {
    const end = await ports.attempts.send(request, turn + tries);
    const { outcome, reading, error } = judge(end, uid, ports);
    if (outcome === "acknowledged") return ended(outcome, reading && { reading });
    ears.troubled(reasonOf(end));
    if (outcome === "unknown" || (outcome === "failed" && mayHaveRun(end))) uncertain = true;
    if (outcome === "failed") return ended(outcome, { failure: describeFailure(request, end, error) });
    const outcomeSoFar = uncertain ? "unknown" : "refused";
    if (ports.retry === undefined || (outcome === "unknown" && !repeatable)) return ended(outcomeSoFar);
    const waitMs = Math.max(backoffMs(tries, ports.retry, ports.random), advisedWaitMs(end, Date.now()) ?? 0);
    if (ports.nowMs() + waitMs >= dueMs + ports.retry.withinMs) return ended(outcomeSoFar);
    await ports.pause(waitMs);
    if (ports.givenUp()) return ended(outcomeSoFar);
    ears.retry();
  }
}

function judge(
  end: AttemptEnd,
  uid: string,
  { classify, read }: RequestPorts,
): { readonly outcome: Outcome; readonly reading?: Reading | undefined; readonly error?: unknown } {
  try {
    const outcome = classify(end);
    if (!OUTCOMES.includes(outcome)) refuse("the outcome of classify", OUTCOMES.join(", "), outcome);
    if (outcome !== "acknowledged" || end.kind !== "answer") return { outcome };
    return { outcome, reading: read(end, uid) };
  } catch (error) {
    return { outcome: "failed", error };
  }
}

/** Whether a wrong answer may come from a request that was carried out: not when it blames the request. */
function mayHaveRun(end: AttemptEnd): boolean {
  return end.kind === "answer" ? end.status < 400 || end.status >= 500 : end.sent;
}

/** Exponential with full jitter: users who failed together don't come back together. */
function backoffMs(
  tries: number,
  { minBackoffMs, maxBackoffMs }: Required<RetryOptions>,
  random: () => number,
): number {
  return random() * Math.min(maxBackoffMs, minBackoffMs * 2 ** tries);
}

function describeFailure({ method, path }: LoadRequest, end: AttemptEnd, error: unknown): string {
  const why = error === undefined ? "" : `: ${messageOf(error)}`;
  const text = end.kind === "answer" ? ` ${end.text.slice(0, 200)}` : "";
  return `${method} ${path}: ${reasonOf(end)}${why}${text}`;
}
