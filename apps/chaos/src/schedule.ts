import { SeededRandom } from "@podlink/testkit";
import type { Drawn, FaultKind, Group } from "./kinds.ts";
import { companionsOf, draw, GROUPS, PODS } from "./kinds.ts";

/** One fault of a schedule. Times are in milliseconds. */
export interface ScheduledFault {
  readonly kind: FaultKind;
  /** From the start of the run. */
  readonly atMs: number;
  /** How long it lasts; of what is done step by step: how long it is expected to take. */
  readonly lastsMs: number;
  /** Which pod it befalls. Absent: none in particular. */
  readonly pod?: number;
  /** Which gateway. Absent: none in particular. */
  readonly gateway?: number;
  /** Of a partition: what a line held back arrives at its end, or the connections stay dead. */
  readonly afterEnd?: "resume" | "dead";
  /** Of lost and late answers: how many of them, 0 to 1. */
  readonly share?: number;
  /** Of late requests and answers: how much later they arrive. */
  readonly lateMs?: number;
}

export interface Schedule {
  readonly seed: number;
  readonly durationMs: number;
  /** In the order of their times. */
  readonly faults: readonly ScheduledFault[];
  /** When heaps and handles are read first, between two faults: nothing happens for {@link READING_MS}. */
  readonly readingAtMs: number;
}

/** Before the first fault. */
const FIRST_MS = 2000;
/** Kept free for the reading: the load rests meanwhile. */
export const READING_MS = 8000;
/** How often a fault that may have another beside it has one. */
const OVERLAP = 0.35;

/**
 * What happens when: the same seed and duration give the same schedule. Faults come group by group, so that a short run has some
 * of each, and every run first what can accuse most: stale owners and answers that nobody hears; within a group every kind has had its turn before one comes again. After each there is time to recover; some overlap.
 */
export function makeSchedule({ seed, durationMs }: Pick<Schedule, "seed" | "durationMs">): Schedule {
  const random = new SeededRandom(seed);
  const decks = new Map<Group, FaultKind[]>();
  const faults: ScheduledFault[] = [];
  const readingFromMs = Math.min(120_000, durationMs / 3);
  let readingAtMs: number | undefined;
  let atMs = FIRST_MS;
  for (let found = true; found;) {
    found = false;
    const turns = [
      ...random.shuffled(["stale", "answers"] as const),
      ...random.shuffled(["process", "line", "store", "store", "planned"] as const),
    ];
    for (const group of turns) {
      const deck = decks.get(group) ?? [];
      if (deck.length === 0) deck.push(...random.shuffled(GROUPS[group]));
      decks.set(group, deck);
      const kind = deck[0] as FaultKind;
      const first = slot(kind, atMs, draw(kind, random));
      const slots = [first, ...companion(first, random)];
      const endMs = Math.max(...slots.map((one) => one.endMs));
      if (endMs > durationMs) continue;
      deck.shift();
      found = true;
      faults.push(...slots.map(({ fault }) => fault));
      atMs = endMs;
      if (readingAtMs === undefined && atMs >= readingFromMs) {
        readingAtMs = atMs;
        atMs += READING_MS;
      }
    }
  }
  return {
    seed,
    durationMs,
    faults: faults.toSorted((a, b) => a.atMs - b.atMs),
    readingAtMs: readingAtMs ?? readingFromMs,
  };
}

/** A fault with the time that it takes, recovery included. */
interface Slot {
  readonly fault: ScheduledFault;
  readonly endMs: number;
}

function slot(kind: FaultKind, atMs: number, { restMs, ...drawn }: Drawn): Slot {
  return { fault: { kind, atMs, ...drawn }, endMs: atMs + drawn.lastsMs + restMs };
}

/** None, or one that begins while the other lasts and befalls another process. */
function companion({ fault }: Slot, random: SeededRandom): Slot[] {
  const kinds = companionsOf(fault.kind);
  if (kinds.length === 0 || !random.chance(OVERLAP)) return [];
  const kind = random.pick(kinds);
  const drawn = draw(kind, random);
  const atMs = fault.atMs + Math.round(fault.lastsMs * random.fraction());
  const isSamePod = drawn.pod !== undefined && drawn.pod === fault.pod;
  return [slot(kind, atMs, isSamePod ? { ...drawn, pod: (drawn.pod + 1) % PODS } : drawn)];
}

/** A line for people. */
export function describeFault({ kind, lastsMs, pod, gateway, afterEnd, share, lateMs }: ScheduledFault): string {
  const whom = [pod === undefined ? "" : ` room-${pod}`, gateway === undefined ? "" : ` gateway-${gateway}`].join("");
  const how =
    afterEnd === undefined ? "" : `, then ${afterEnd === "resume" ? "what was held arrives" : "connections are dead"}`;
  const which = share === undefined ? "" : `, ${Math.round(share * 100)} % of them`;
  const late = lateMs === undefined ? "" : `, by ${(lateMs / 1000).toFixed(1)} s`;
  return `${kind}${whom}, ${(lastsMs / 1000).toFixed(1)} s${which}${late}${how}`;
}
