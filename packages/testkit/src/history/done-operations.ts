import type { AnsweredRun } from "./link-runs.ts";

/** Which answered operations of a link are placed; they are numbered in the order of their calls. */
export interface Done {
  readonly count: number;
  /** The first that is not. */
  readonly firstLeft: number;
  /** Those that are beyond it, sorted: never more than were under way at the same time. */
  readonly beyond: readonly number[];
  /** All of this as a text. */
  readonly name: string;
}

export const NOTHING_DONE: Done = { count: 0, firstLeft: 0, beyond: [], name: "0" };

/** One more is placed. */
export function withDone(done: Done, at: number): Done {
  let { firstLeft } = done;
  let beyond = done.beyond;
  if (at === firstLeft) {
    let passed = 0;
    firstLeft += 1;
    while (beyond[passed] === firstLeft) {
      firstLeft += 1;
      passed += 1;
    }
    beyond = beyond.slice(passed);
  } else beyond = [...beyond, at].toSorted((a, b) => a - b);
  const name = beyond.length === 0 ? String(firstLeft) : `${firstLeft},${beyond.join(",")}`;
  return { count: done.count + 1, firstLeft, beyond, name };
}

/** The first to return of the answered operations that are left. Undefined: none is. */
export function firstReturnAfter(done: Done, answered: readonly AnsweredRun[]): AnsweredRun | undefined {
  let first: AnsweredRun | undefined;
  for (let at = done.firstLeft; at < answered.length; at += 1) {
    if (done.beyond.includes(at)) continue;
    const run = answered[at] as AnsweredRun;
    if (first !== undefined && run.recorded.called > first.recorded.returned) break;
    if (first === undefined || run.recorded.returned < first.recorded.returned) first = run;
  }
  return first;
}

/** Which of the operations that are left can be the next: those called before any of them returned. */
export function candidatesAfter(done: Done, answered: readonly AnsweredRun[]): number[] {
  const firstReturn = firstReturnAfter(done, answered)?.recorded.returned ?? Infinity;
  const candidates: number[] = [];
  for (let at = done.firstLeft; at < answered.length; at += 1) {
    if (done.beyond.includes(at)) continue;
    if ((answered[at] as AnsweredRun).recorded.called > firstReturn) break;
    candidates.push(at);
  }
  return candidates;
}
