import { setTimeout as delay } from "node:timers/promises";
import type { FaultRow } from "@podlink/faults";
import type { Link } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Podlink } from "podlink";
import { SERVICE } from "./pods-place.ts";

/** Requests of one user that wait for its link at the same time. */
const REQUESTS_AT_ONCE = 3;
/** A user whose pod doesn't answer asks again after so long. */
const ASK_AGAIN_MS = 100;

/** A user that its caller has seen moved. All times are of this process' monotonic clock. */
export interface MovedUser {
  readonly link: Link;
  /** When its last question was asked: whatever moved it was permitted later. */
  readonly askedAtMs: number;
  /** When it was answered: whatever moved it was permitted earlier. */
  readonly answeredAtMs: number;
}

/** Told to come back. */
export interface RefusedUser {
  readonly code: string;
  readonly atMs: number;
  readonly retryAfterMs: number | undefined;
}

/** What the users of one caller were told. */
export interface Told {
  readonly moved: readonly MovedUser[];
  readonly refused: readonly RefusedUser[];
}

/** Each user asks until it is linked to another pod than this one, and comes back when it is told to. */
export async function askUntilMoved(
  row: FaultRow,
  caller: Podlink,
  { uids, from }: { readonly uids: readonly string[]; readonly from: number },
): Promise<Told> {
  const [moved, refused]: [MovedUser[], RefusedUser[]] = [[], []];
  const ask = async (uid: string): Promise<void> => {
    for (;;) {
      const askedAtMs = performance.now();
      const requests = Array.from({ length: REQUESTS_AT_ONCE }, () => caller.service(SERVICE).resolve(uid));
      const answer = await row
        .request(() => Promise.all(requests))
        .catch((error: unknown) => {
          if (RouteError.is(error)) return error;
          throw error;
        });
      const atMs = performance.now();
      if (answer instanceof Error) {
        refused.push({ code: answer.code, atMs, retryAfterMs: answer.retryAfterMs });
        await delay(answer.retryAfterMs ?? ASK_AGAIN_MS);
        continue;
      }
      const [link] = answer as [Link];
      if (link.podIndex !== from) return void moved.push({ link, askedAtMs, answeredAtMs: atMs });
      await delay(ASK_AGAIN_MS);
    }
  };
  await Promise.all(uids.map(ask));
  return { moved, refused };
}

/**
 * How many moves there were beyond what a pace lets through, in the window of all windows where there were most; 0 or less: it was
 * kept. Counts those that were certainly permitted in the window: asked and answered in it.
 */
export function beyondPace(
  moved: readonly MovedUser[],
  { ratePerSecond, burst }: { readonly ratePerSecond: number; readonly burst: number },
): number {
  const byAnswer = moved.toSorted((a, b) => a.answeredAtMs - b.answeredAtMs);
  const starts = new Set(moved.map(({ askedAtMs }) => askedAtMs));
  let most = -Infinity;
  for (const startMs of starts) {
    const inside = byAnswer.filter(({ askedAtMs }) => askedAtMs >= startMs);
    for (const [before, { answeredAtMs }] of inside.entries()) {
      const permitted = burst + ((answeredAtMs - startMs) * ratePerSecond) / 1000;
      most = Math.max(most, before + 1 - permitted);
    }
  }
  return most;
}
