import { RouteError } from "@podlink/types";
import type { Figures } from "./figures.ts";
import { Tally } from "./figures.ts";

/** A moment of the load that somebody gave a name. */
export interface Mark {
  readonly name: string;
  /** In milliseconds from the start. */
  readonly atMs: number;
}

/** What was due between a mark and the next one. */
export interface Phase {
  /** Of the mark that it began with; `start` for the first. */
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly figures: Figures;
}

/** Each keeps its distributions, about 200 kB. */
const MAX_MARKS = 1000;

/** The figures between any two marks, by when requests were due. */
export class Phases {
  readonly #phases: { readonly mark: Mark; readonly tally: Tally }[] = [
    { mark: { name: "start", atMs: 0 }, tally: new Tally() },
  ];

  /** @throws RouteError INVALID_ARGUMENT for the 1001st. */
  mark(name: string, atMs: number): Mark {
    if (this.#phases.length > MAX_MARKS) {
      throw new RouteError("INVALID_ARGUMENT", `a load has at most ${MAX_MARKS} marks`);
    }
    const mark = Object.freeze({ name, atMs });
    this.#phases.push({ mark, tally: new Tally() });
    return mark;
  }

  get marks(): Mark[] {
    return this.#phases.slice(1).map(({ mark }) => mark);
  }

  /** The phase that a moment belongs to: a late request may belong to one that is over. */
  at(dueMs: number): Tally {
    return (this.#phases.findLast(({ mark }) => mark.atMs <= dueMs) ?? this.#phases[0]!).tally;
  }

  /** @throws RouteError INVALID_ARGUMENT for a mark of another load, or the later one first. */
  between(from: Mark, to?: Mark): Figures {
    const marks = this.#phases.map(({ mark }) => mark);
    const first = marks.indexOf(from);
    const end = to === undefined ? marks.length : marks.indexOf(to);
    if (first < 0 || end <= first) {
      throw new RouteError("INVALID_ARGUMENT", "between takes two marks of this load, the earlier one first");
    }
    return sum(this.#phases.slice(first, end));
  }

  get whole(): Figures {
    return sum(this.#phases);
  }

  /** All of them up to `nowMs`. */
  list(nowMs: number): Phase[] {
    return this.#phases.map(({ mark: { name, atMs }, tally }, index) => ({
      name,
      fromMs: atMs,
      toMs: this.#phases[index + 1]?.mark.atMs ?? nowMs,
      figures: tally.figures,
    }));
  }
}

function sum(phases: readonly { readonly tally: Tally }[]): Figures {
  const total = new Tally();
  for (const { tally } of phases) total.add(tally);
  return total.figures;
}
