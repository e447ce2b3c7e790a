import { applyLinkOp } from "@podlink/memory-executor";
import type { LinkHistory } from "@podlink/testkit";
import { assertLinearizable, checkHistory, falsify, randomProgram, runPrograms, steppedTime } from "@podlink/testkit";
import { DEFAULTS } from "@podlink/types";
import { expect } from "vitest";
import type { HistoryFigures } from "./figures.ts";
import { distribution, figuresOf } from "./figures.ts";
import type { LossyClientsOptions } from "./lossy-clients.ts";
import { LossyClients } from "./lossy-clients.ts";

export interface LossyHistoriesOptions extends Pick<LossyClientsOptions, "servers" | "optionsOf"> {
  readonly name: string;
  /** How many that are worth it: see {@link isWorthIt}. */
  readonly histories: number;
  /** How many of them are told one lie each. */
  readonly falsehoods: number;
  readonly seed: number;
}

/** How many run at the same time, over the same connections. */
const AT_ONCE = 2000;
const CLIENTS = 8;
/** Keys end by Redis' own clock: the time that the scripts are given is ahead of it. */
const AHEAD_MS = 3_600_000;
/** Of histories that were falsified a search may have to see it all. */
const MAX_STATES = 5_000_000;
const SAVE_TO = ".cache/histories";

/** The demands on a history; what falls short of them is checked all the same, and not counted. */
function isWorthIt({ operations, uids, clients, ambiguous, overlaps }: HistoryFigures): boolean {
  return operations >= 30 && uids <= 3 && clients >= 3 && ambiguous >= 0.2 && overlaps >= 1;
}

/**
 * Random histories of all operations through lines that lose replies and requests: each is linearizable; and with one reply
 * falsified none is.
 */
export async function checkLossyHistories(options: LossyHistoriesOptions): Promise<void> {
  const { name, servers, optionsOf, histories, falsehoods, seed } = options;
  const time = steppedTime({ startMs: Date.now() + AHEAD_MS });
  await using clients = await LossyClients.start({ servers, optionsOf, time, seed, clients: CLIENTS });
  const worthIt: { readonly history: LinkHistory; readonly figures: HistoryFigures }[] = [];
  let ran = 0;
  let checkedMs = 0;
  const beganAtMs = performance.now();
  while (worthIt.length < histories) {
    const first = seed * 1_000_000 + ran;
    const count = Math.min(AT_ONCE, Math.ceil(1.2 * (histories - worthIt.length)) + 5);
    const programs = Array.from({ length: count }, (_, index) => randomProgram({ seed: first + index }));
    const run = runPrograms(programs, { stores: clients.stores, time, ownedTtlMs: DEFAULTS.ownedTtlMs });
    const repeats = clients.tellRepeats(run);
    const found = await run.histories.finally(() => repeats.end());
    for (const [index, history] of found.entries()) {
      ran += 1;
      const startMs = performance.now();
      try {
        assertLinearizable(history, {
          model: applyLinkOp,
          maxStates: MAX_STATES,
          seed: first + index,
          saveTo: SAVE_TO,
        });
      } catch (error) {
        throw new Error(`history ${ran} of ${histories}: ${(error as Error).message}`, { cause: error });
      }
      checkedMs += performance.now() - startMs;
      const figures = figuresOf(history);
      if (isWorthIt(figures) && worthIt.length < histories) worthIt.push({ history, figures });
    }
    expect(worthIt.length, `histories that are worth it, of ${ran}`).toBeGreaterThan(ran / 10);
  }
  const seconds = ((performance.now() - beganAtMs) / 1000).toFixed(1);
  const { replies, requests } = clients.lost;
  process.stdout.write(
    `${name}, seed ${seed}: ${worthIt.length} histories accepted (${ran} ran) in ${seconds} s; ` +
      `lost on the wire: ${replies} times replies, ${requests} times requests\n` +
      `${distribution(worthIt.map(({ figures }) => figures))}\n` +
      `checker: ${Math.round((1000 * ran) / checkedMs)} histories a second\n`,
  );
  expect(Math.min(replies, requests), "losses of replies, and of requests").toBeGreaterThan(histories / 50);
  const kinds = rejectFalsehoods(
    worthIt.map(({ history }) => history),
    { falsehoods, seed },
  );
  process.stdout.write(`falsified, all rejected: ${JSON.stringify(Object.fromEntries(kinds))}\n`);
}

/** Tells one lie in each of so many histories, and demands that each is found. Returns how many of which kind there were. */
function rejectFalsehoods(
  histories: readonly LinkHistory[],
  { falsehoods, seed }: { readonly falsehoods: number; readonly seed: number },
): Map<string, number> {
  const kinds = new Map<string, number>();
  let told = 0;
  for (const [index, history] of histories.entries()) {
    if (told === falsehoods) break;
    const lie = falsify(history, { seed: seed + index });
    if (lie === undefined) continue;
    told += 1;
    kinds.set(lie.kind, (kinds.get(lie.kind) ?? 0) + 1);
    const { verdict } = checkHistory(lie.history, { model: applyLinkOp, maxStates: MAX_STATES });
    expect(verdict, `history ${index} with ${lie.kind} at ${lie.changed}`).toBe("contradiction");
  }
  expect(told, "histories that offer a place for a lie").toBe(falsehoods);
  if (falsehoods >= 100) expect(kinds.size, "kinds of lies").toBe(4);
  return kinds;
}
