import type { CallOptions, RouteErrorOutcome } from "@podlink/types";
import { refuse, RouteError, withDeadline } from "@podlink/types";
import type { PodParts } from "./parts.ts";

/**
 * Carries out a call within its deadline, whatever Redis does. A signal that is aborted before carries nothing out.
 * @param outcome what is known of the call's effect when the wait ends early; absent: it has none
 * @param work told whether anybody still waits
 * @throws RouteError INVALID_ARGUMENT, CANCELLED, TIMEOUT, or what the work rejects with
 */
export function answered<T>(
  { what, call = {}, outcome }: { readonly what: string; readonly call?: CallOptions; readonly outcome?: "unknown" },
  { clock }: Pick<PodParts, "clock">,
  work: (waits: () => boolean) => Promise<T>,
): Promise<T> {
  const { signal, timeoutMs } = call;
  if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs < Infinity)) {
    refuse("timeoutMs", "a number of milliseconds, at least 0", timeoutMs);
  }
  if (signal?.aborted === true) throw new RouteError("CANCELLED", `${what} was cancelled by its caller`, notApplied);
  let isWaiting = true;
  const asked = withDeadline(
    work(() => isWaiting),
    { ...call, what, clock, outcome },
  );
  const end = (): void => void (isWaiting = false);
  asked.then(end, end);
  return asked;
}

const notApplied: { readonly outcome: RouteErrorOutcome } = { outcome: "not-applied" };
