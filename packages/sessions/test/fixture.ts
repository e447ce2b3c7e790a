import type { FakeClock } from "@podlink/testkit";
import { fakeClock } from "@podlink/testkit";
import { onTestFinished } from "vitest";
import type { Sessions, SessionsOptions } from "../src/index.ts";
import { createSessions } from "../src/index.ts";
import { FakePod } from "./fake-pod.ts";

/** What the application keeps for a uid in these tests. */
export interface Counter {
  count: number;
}

export interface Fixture {
  readonly pod: FakePod;
  readonly clock: FakeClock;
  readonly sessions: Sessions<Counter>;
  /** What `load` and `save` were called with, in order: "load alice 101". */
  readonly calls: string[];
  /** What was saved last. */
  readonly saved: Map<string, number>;
}

/** Sessions over a pod moved by hand; saved counts come back with the next load. */
export function fixture(options: Partial<SessionsOptions<Counter>> = {}): Fixture {
  const pod = new FakePod();
  const clock = fakeClock();
  const calls: string[] = [];
  const saved = new Map<string, number>();
  const sessions = createSessions<Counter>(pod, {
    load: (uid, { fence }) => {
      calls.push(`load ${uid} ${fence.token}`);
      return { count: saved.get(uid) ?? 0 };
    },
    save: (uid, state, { fence }) => {
      calls.push(`save ${uid} ${fence.token}`);
      saved.set(uid, state.count);
    },
    clock,
    ...options,
  });
  onTestFinished(async () => {
    const closed = sessions.close();
    await clock.advance(60_000); // for what hangs
    await closed;
  });
  return { pod, clock, sessions, calls, saved };
}

/** A promise that the test settles. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}
