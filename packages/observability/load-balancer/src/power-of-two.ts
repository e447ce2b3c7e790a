import type { LoadBalancer, PodSnapshot, SelectContext } from "@podlink/types";
import { parseOptions } from "@podlink/types";
import type { RandomOptions } from "./options.ts";
import { randomOptions } from "./options.ts";
import { Placements } from "./placements.ts";
import { WeightTable } from "./weight-table.ts";

export type PowerOfTwoOptions = RandomOptions;

/** How often a draw is repeated before the next position is taken: one very heavy pod is drawn most of the time. */
const REDRAWS = 4;

/**
 * Draws two pods by weight and takes the one with the lower cost:
 * (linkCount + what callers placed since that report + 1) / weight x (1 + loadScore / 100).
 * What all callers placed is this caller's own placements times the number of callers, which the growth of the pods'
 * counts shows. A pod younger than its slow start is passed over as much as it is colder than the other one.
 * (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 1996.)
 *
 * Choosing makes no garbage and costs the same for ten pods and for ten thousand. One balancer serves one service.
 * @throws RouteError CONFIG for an unknown option.
 */
export function powerOfTwoChoices(options: PowerOfTwoOptions = {}): LoadBalancer {
  return new PowerOfTwoChoices(parseOptions(randomOptions, options, "powerOfTwoChoices").random);
}

class PowerOfTwoChoices implements LoadBalancer {
  readonly #random: () => number;
  readonly #placements = new Placements();
  readonly #weights = new WeightTable();

  constructor(random: () => number) {
    this.#random = random;
  }

  select(snapshot: PodSnapshot, context?: SelectContext): number | undefined {
    const { count } = snapshot;
    const except = context?.except ?? count; // a position that is none
    const choices = except >= 0 && except < count ? count - 1 : count;
    if (choices === 0) return undefined;
    const placements = this.#placements;
    placements.look(snapshot);
    const first = this.#draw(snapshot, except, except);
    const firstRecord = placements.recordOf(snapshot, first);
    if (choices === 1) {
      placements.add(firstRecord);
      return first;
    }
    const second = this.#draw(snapshot, except, first);
    const secondRecord = placements.recordOf(snapshot, second);
    const takesSecond = this.#isBetter(secondRecord, firstRecord);
    placements.add(takesSecond ? secondRecord : firstRecord);
    return takesSecond ? second : first;
  }

  settled(podIndex: number, outcome: "placed" | "lost"): void {
    if (outcome === "lost") this.#placements.takeBack(podIndex);
  }

  /** A position that is neither of the two; there is one. */
  #draw(snapshot: PodSnapshot, except: number, other: number): number {
    let position = 0;
    for (let attempt = 0; attempt <= REDRAWS; attempt += 1) {
      position = this.#weights.draw(snapshot, this.#random());
      if (position !== except && position !== other) return position;
    }
    do position = (position + 1) % snapshot.count;
    while (position === except || position === other);
    return position;
  }

  #isBetter(one: number, other: number): boolean {
    const placements = this.#placements;
    const warmth = placements.warmth(one);
    const otherWarmth = placements.warmth(other);
    if (warmth !== otherWarmth) {
      const share = Math.min(warmth, otherWarmth) / Math.max(warmth, otherWarmth);
      if (this.#random() >= share) return warmth > otherWarmth;
    }
    return placements.cost(one) < placements.cost(other);
  }
}
