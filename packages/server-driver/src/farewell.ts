import { RouteError, sleep, withDeadline } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { PodContext } from "./context.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Registration } from "./registration.ts";
import type { TimeLimit } from "./time-limit.ts";

/** Between two tries to say goodbye. */
const RETRY_MS = 100;

/**
 * Publishes Shutdown and says goodbye, again and again until it is answered or the time is up. Never rejects.
 * The guard has been closed before: whoever reads this may move this pod's links at once.
 */
export async function sayGoodbye(
  context: PodContext,
  registration: Registration,
  heartbeat: Heartbeat,
  limit: TimeLimit,
): Promise<void> {
  const { clock, store, name, logger } = context;
  const { signal, leftMs: timeoutMs } = limit;

  const work = async (): Promise<void> => {
    await heartbeat.stop(); // a beat under way may register once more
    const incarnation = registration.identity?.incarnation;
    if (incarnation === undefined) return;
    await heartbeat.reportOnce().catch(() => undefined); // the goodbye says the same, and more
    await failpoint("before-goodbye", { incarnation });
    while (!signal.aborted) {
      try {
        const { left } = await context.ask("the goodbye", (timeoutMs) =>
          store.leave({ ...name, incarnation }, { timeoutMs }),
        );
        logger.info({ ...name, incarnation, left }, "left");
        return;
      } catch (error) {
        if (RouteError.is(error) && !error.retryable) return;
        await sleep(RETRY_MS, { clock, signal });
      }
    }
  };
  await withDeadline(work(), { what: "the goodbye", timeoutMs, signal, clock }).catch(() => {
    logger.warn({ ...name }, "no goodbye could be said; callers wait for the lease to end");
  });
  limit.end();
}
