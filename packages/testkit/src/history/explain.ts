import type { ModelRecord, RunModel } from "./link-model.ts";
import type { AnsweredRun } from "./link-runs.ts";
import type { LongestOrder, OrderStep } from "./link-search.ts";
import type { RecordedOp } from "./recorded-op.ts";
import { doubtfulRuns } from "./recorded-op.ts";
import type { TokenMadeTwice } from "./results.ts";
import { linkAfter } from "./results.ts";
import { bars, columns, wordsOfOp, wordsOfOutcome, wordsOfResult } from "./wording.ts";

interface NoOrder<R extends ModelRecord> {
  readonly link: string;
  readonly operations: readonly RecordedOp[];
  readonly longest: LongestOrder<R>;
  readonly model: RunModel<R>;
}

/** How many operations are shown at most, the last ones: the explanation of a long history stays readable. */
const MAX_SHOWN = 60;

/** The operations of a link as a diagram, how far an order gets, and why nothing that is left can come next. */
export function explainNoOrder<R extends ModelRecord>({ link, operations, longest, model }: NoOrder<R>): string {
  const { steps, record, next } = longest;
  const sinceMs = firstTimeMs(operations);
  const answered = operations.filter(({ outcome }) => outcome.kind === "answered").length;
  const placed = steps.filter(({ isAnswered }) => isAnswered).length;
  const doubtful = operations.filter((recorded) => doubtfulRuns(recorded) > 0).map(unseenRuns);
  return [
    `No order of the operations on ${link} explains what their callers were told.`,
    "",
    ...diagram(shown(operations, next)),
    "",
    `The longest order that was found explains ${placed} of ${answered} answers:`,
    ...columns(steps.slice(-MAX_SHOWN).map((step) => stepRow(step, sinceMs))).map((line) => `  ${line}`),
    ...(steps.length === 0 ? ["  (it is empty: not even a first operation fits)"] : []),
    `Then the link is: ${linkThen(longest, model, sinceMs)}`,
    "",
    "What could come next, and why it can't:",
    ...next.flatMap((run) => whyNot(run, record, model)),
    ...(doubtful.length === 0
      ? []
      : ["", `Nor does it help when any of these ran unseen, at any moment or never: ${doubtful.join(", ")}.`]),
  ].join("\n");
}

/** One of several tries may have been answered; all others may have run too. */
function unseenRuns(recorded: RecordedOp): string {
  const runs = doubtfulRuns(recorded);
  return runs === 1 ? `${recorded.id} (once)` : `${recorded.id} (up to ${runs} times)`;
}

/** The operations of a link as a diagram, and the two that contradict each other. */
export function explainTokenMadeTwice(
  link: string,
  operations: readonly RecordedOp[],
  { token, operations: [first, second] }: TokenMadeTwice,
): string {
  return [
    `Two operations on ${link} claim to have made token ${token}; a token is made once.`,
    "",
    ...diagram([first, second].filter((recorded) => operations.includes(recorded))),
  ].join("\n");
}

/** Who asked for what, when, and was told what: one line for each operation. */
function diagram(operations: readonly RecordedOp[]): string[] {
  const barOf = bars(operations);
  const sinceMs = firstTimeMs(operations);
  const rows = operations
    .toSorted((a, b) => a.called - b.called)
    .map((recorded) => [
      recorded.id,
      recorded.client,
      barOf.get(recorded) ?? "",
      `${wordsOfOp(recorded.op)}${recorded.attempts === undefined || recorded.attempts === 1 ? "" : ` (sent up to ${recorded.attempts} times)`}`,
      timesOf(recorded, sinceMs),
      wordsOfOutcome(recorded.outcome),
    ]);
  return [
    ...columns([["id", "client", "called |---| returned", "asked", "store's time", "told"], ...rows]),
    `(times are in ms after ${sinceMs})`,
  ];
}

function shown(operations: readonly RecordedOp[], next: readonly AnsweredRun[]): readonly RecordedOp[] {
  if (operations.length <= MAX_SHOWN) return operations;
  const last = Math.max(...next.map(({ recorded }) => recorded.returned));
  return operations.filter(({ called }) => called < last).slice(-MAX_SHOWN);
}

function stepRow({ recorded, isAnswered, timeMs }: OrderStep, sinceMs: number): string[] {
  const told = isAnswered ? wordsOfOutcome(recorded.outcome) : "ran, though nobody got its answer";
  return [recorded.id, wordsOfOp(recorded.op), `at +${timeMs - sinceMs}`, told];
}

function linkThen<R extends ModelRecord>(
  { steps, record, next }: LongestOrder<R>,
  model: RunModel<R>,
  sinceMs: number,
): string {
  const recorded = next[0]?.recorded ?? steps.at(-1)?.recorded;
  const timeMs = recorded?.times[0];
  if (recorded === undefined || timeMs === undefined || record === undefined) return "not there";
  const link = model.linkAt(record, recorded.op, timeMs);
  const words = link === undefined ? `expired (its last token was ${record.token})` : wordsOfResult(link);
  return `${words}, at +${timeMs - sinceMs}`;
}

function whyNot<R extends ModelRecord>({ recorded }: AnsweredRun, record: R | undefined, model: RunModel<R>): string[] {
  const told = linkAfter(recorded.outcome.result);
  const leastToken = told === undefined ? 1 : Number(told.token);
  const answers = recorded.times.map((timeMs) => {
    const ran = model.run(record, { recorded, timeMs, leastToken });
    return ran === undefined ? "a refusal" : wordsOfResult(ran.result);
  });
  return [
    `  ${recorded.id}  ${wordsOfOp(recorded.op)}`,
    `      was told      ${wordsOfOutcome(recorded.outcome)}`,
    ...[...new Set(answers)].map((answer) => `      but right is  ${answer}`),
  ];
}

function timesOf({ times }: RecordedOp, sinceMs: number): string {
  const [first, last] = [Math.min(...times) - sinceMs, Math.max(...times) - sinceMs];
  return first === last ? `+${first}` : `+${first} to +${last}`;
}

function firstTimeMs(operations: readonly RecordedOp[]): number {
  return Math.min(...operations.flatMap(({ times }) => times));
}
