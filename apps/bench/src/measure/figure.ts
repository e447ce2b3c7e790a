import type { CpuProfile } from "./profile.ts";

/** What figures are counted in; less is better in all of them. */
export type Unit = "ns" | "us" | "ms" | "bytes" | "x" | "% of a core";

/** One side of a figure: does its work once and says what that cost, in the figure's unit. */
interface Side {
  run(): Promise<number> | number;
  /** The processor's profile of so many rounds, where the work is done in another process. Absent: it is done in this one. */
  readonly profiled?: (rounds: number, round: () => Promise<void>) => Promise<CpuProfile>;
}

/** What holds for a figure whose goal is met: all that is given. */
export interface Goal {
  /** The baseline costs at least so many times as much: the ratio is baseline / ours. Not together with `ratioAtMost`. */
  readonly ratioAtLeast?: number;
  /** Ours costs at most so many times as much: the ratio is ours / baseline. */
  readonly ratioAtMost?: number;
  /** Ours costs at most so much, in the figure's unit. */
  readonly oursAtMost?: number;
}

/** What a baseline cost on the machine of the goals, and how that is scaled to this one. */
export interface Seen {
  readonly baseline: number;
  /** `core`: by `Map.get`, as work of Node's own. `exact`: not a matter of speed. */
  readonly scaledBy: "core" | "exact" | OverSocket;
}

/**
 * A client of Redis, which does what a bare socket does and work of its own: the one is scaled by the bare socket, the rest by
 * `Map.get`.
 */
interface OverSocket {
  /** The bare socket's `SET` by as many callers. */
  readonly socket: "rawSet1" | "rawSet64" | "rawSet256" | "rawSet1024";
  /** What one unit of the figure is, in nanoseconds for each operation. */
  readonly unitNs: number;
}

/** What a figure is prepared with. */
export interface Preparation {
  /** Sizes that show that it works, and nothing else. */
  readonly tiny: boolean;
  /** Whether servers get a core of their own. */
  readonly pin: boolean;
  /** Called when the figure is over, the last one first, also when preparing it failed half-way or the run is broken off. */
  readonly defer: (end: () => unknown) => void;
}

export interface Sides {
  readonly ours: Side;
  readonly baseline: Side;
}

/** A figure: ours beside a baseline that a good engineer would write by hand. */
export interface Figure {
  readonly id: string;
  /** Which of several with the same id. Absent: there is one. */
  readonly variant?: string;
  readonly title: string;
  readonly baseline: string;
  readonly unit: Unit;
  readonly goal: Goal;
  /** What the baseline is to come to, at least nearly, to count. Absent: nobody measured it before. */
  readonly seen?: Seen;
  /** How often both sides are measured, where that is not up to the caller: what is exact needs no medians. */
  readonly pairs?: number;
  /** How many rounds of each side come first and don't count, where that is not up to the caller: what warms up by itself needs none. */
  readonly warmUps?: number;
  prepare(preparation: Preparation): Promise<Sides> | Sides;
}

/** "link-create" or "link-create/256": what a figure is called by on the command line. */
export const nameOf = ({ id, variant }: Pick<Figure, "id" | "variant">): string =>
  variant === undefined ? id : `${id}/${variant}`;

/** The goal in words. */
export function goalText({ goal, unit }: Pick<Figure, "goal" | "unit">): string {
  const parts = [
    goal.ratioAtLeast === undefined ? undefined : `>= ${goal.ratioAtLeast} x`,
    goal.ratioAtMost === undefined ? undefined : `<= ${goal.ratioAtMost} x`,
    goal.oursAtMost === undefined ? undefined : `<= ${goal.oursAtMost} ${unit}`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}
