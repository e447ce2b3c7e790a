import type { FakeClock } from "../clock/fake-clock.ts";
import type { OpenResource } from "./open-resources.ts";
import { OpenResources } from "./open-resources.ts";

export interface NothingLeftOpenOptions {
  /** How long after the body things may take to close, in milliseconds. Default 1000; 0: none. */
  readonly graceMs?: number;
  /** Resources that may stay, the kept-alive sockets of an HTTP client for example. Default: none. */
  readonly ignore?: (resource: OpenResource) => boolean;
  /** The fake clock that the body's subject runs on: no more of its timers may be set than before. */
  readonly clock?: FakeClock;
}

// Taken once: a test that replaces the globals doesn't change how long the grace is.
const { setTimeout: later } = globalThis;
const LOOK_EVERY_MS = 5;

/**
 * Runs a test's body and fails unless everything that it opened is closed soon after: timers (unref'd ones too),
 * servers, sockets, workers. Answers with what the body answers.
 * @throws Error listing what is open, and where it was made; or whatever the body throws.
 */
export async function expectNothingLeftOpen<T>(
  body: () => Promise<T> | T,
  options: NothingLeftOpenOptions = {},
): Promise<T> {
  const { graceMs = 1000, ignore = () => false, clock } = options;
  const timersBefore = clock?.pendingTimers ?? 0;
  const resources = new OpenResources();
  const left = (): OpenResource[] => resources.list.filter((resource) => !ignore(resource));
  try {
    const answer = await resources.watch(body);
    // The events of closing come a turn late: look at least once after one.
    for (let waitedMs = 0; waitedMs === 0 || (left().length > 0 && waitedMs < graceMs); waitedMs += LOOK_EVERY_MS) {
      await new Promise((resolve) => later(resolve, LOOK_EVERY_MS));
    }
    report(left(), (clock?.pendingTimers ?? 0) - timersBefore);
    return answer;
  } finally {
    resources.stopWatching();
  }
}

function report(left: readonly OpenResource[], fakeTimers: number): void {
  const lines = left.map(({ kind, madeAt }) => `${kind}, made\n${madeAt}`);
  if (fakeTimers > 0) lines.push(`${fakeTimers} timers of the fake clock`);
  if (lines.length > 0) throw new Error(`left open:\n${lines.join("\n")}`);
}
