import type { CallOptions, RouteErrorOutcome } from "@podlink/types";
import { refuse, RouteError, withDeadline } from "@podlink/types";
import type { PodParts } from "./parts.ts";

interface Asked {
  readonly what: string;
  readonly call?: CallOptions | undefined;
  /** What is known of the call's effect when the wait ends early. Absent: it has none. */
  readonly outcome?: "unknown";
}

const PLAIN: CallOptions = {};

/**
 * Carries out a call within its deadline, whatever Redis does. A signal that is aborted before carries nothing out.
 * @throws RouteError INVALID_ARGUMENT, CANCELLED, TIMEOUT, or what the work rejects with
 */
export function inTime<T>(
  { what, call = PLAIN, outcome }: Asked,
  { clock }: Pick<PodParts, "clock">,
  work: () => Promise<T>,
): Promise<T> {
  const { signal, timeoutMs } = call;
  if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs < Infinity)) {
    refuse("timeoutMs", "a number of milliseconds, at least 0", timeoutMs);
  }
  if (signal?.aborted === true) throw new RouteError("CANCELLED", `${what} was cancelled by its caller`, notApplied);
  return withDeadline(work(), { ...call, what, clock, outcome });
}

/** The same for work of several steps: it is told whether anybody still waits. */
export function answered<T>(
  asked: Asked,
  parts: Pick<PodParts, "clock">,
  work: (waits: () => boolean) => Promise<T>,
): Promise<T> {
  let isWaiting = true;
  const answer = inTime(asked, parts, () => work(() => isWaiting));
  const end = (): void => void (isWaiting = false);
  answer.then(end, end);
  return answer;
}

const notApplied: { readonly outcome: RouteErrorOutcome } = { outcome: "not-applied" };
