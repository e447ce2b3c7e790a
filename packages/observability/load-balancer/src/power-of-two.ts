import type { LoadBalancer, PodSnapshot, SelectContext } from "@podlink/types";
import { parseOptions } from "@podlink/types";
import { Chance } from "./chance.ts";
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
  readonly #chance: Chance;
  readonly #placements: Placements;
  readonly #weights = new WeightTable();
  #snapshot: PodSnapshot | undefined;
  #version = 0;
  /** How many positions there are to draw from, each as likely as any other. 0: their weights differ. */
  #alike = 0;

  constructor(random: () => number) {
    this.#chance = new Chance(random);
    this.#placements = new Placements(this.#chance);
  }

  select(snapshot: PodSnapshot, context?: SelectContext): number | undefined {
    if (snapshot !== this.#snapshot || snapshot.version !== this.#version) this.#take(snapshot);
    const alike = this.#alike;
    if (context !== undefined || alike < 2) return this.#selectBut(snapshot, exceptOf(context, snapshot.count));
    const first = this.#chance.below(alike);
    const second = this.#chance.below(alike - 1);
    return this.#placements.placeOnOneOf(snapshot, first, second + +(second >= first));
  }

  settled(podIndex: number, outcome: "placed" | "lost"): void {
    if (outcome === "lost") this.#placements.takeBack(podIndex);
  }

  #take(snapshot: PodSnapshot): void {
    this.#snapshot = snapshot;
    this.#version = snapshot.version;
    this.#placements.lookAgain();
    this.#weights.take(snapshot);
    this.#alike = this.#weights.uniform ? snapshot.count : 0;
  }

  /** The same with a position that must not be chosen, with weights that differ, and with hardly any pod. */
  #selectBut(snapshot: PodSnapshot, except: number): number | undefined {
    const { count } = snapshot;
    const choices = except === count ? count : count - 1;
    const placements = this.#placements;
    if (choices < 2) return choices === 0 ? undefined : placements.placeOn(snapshot, except === 0 ? 1 : 0);
    if (!this.#weights.uniform) {
      const one = this.#draw(count, except, except);
      return placements.placeOnOneOf(snapshot, one, this.#draw(count, except, one));
    }
    // The positions that must not be drawn are left out, so that no further try is needed.
    let first = this.#chance.below(choices);
    let second = this.#chance.below(choices - 1);
    if (first >= except) first += 1;
    if (second >= Math.min(first, except)) second += 1;
    if (second >= Math.max(first, except)) second += 1;
    return placements.placeOnOneOf(snapshot, first, second);
  }

  /** A position that is neither of the two, by weight; there is one. */
  #draw(count: number, except: number, other: number): number {
    let position = 0;
    for (let attempt = 0; attempt <= REDRAWS; attempt += 1) {
      position = this.#weights.draw(this.#chance.fraction());
      if (position !== except && position !== other) return position;
    }
    do position = (position + 1) % count;
    while (position === except || position === other);
    return position;
  }
}

/** The position that must not be chosen; one that is none where all may be. */
function exceptOf(context: SelectContext | undefined, count: number): number {
  const except = context?.except ?? count;
  return except >= 0 && except < count ? except : count;
}
