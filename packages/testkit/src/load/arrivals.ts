/** When requests are due: a plan that no answer changes. */
export interface ArrivalPlan {
  /** The mean rate, above 0. */
  readonly ratePerSecond: number;
  /** `constant`: the same pause between any two. `poisson`: as from very many users who know nothing of each other. */
  readonly arrivals: "constant" | "poisson";
  readonly random: () => number;
}

/**
 * The due times in milliseconds from the start, without end. Each is computed from the plan alone: a late generator
 * neither moves nor drops one.
 */
export function* dueTimes({ ratePerSecond, arrivals, random }: ArrivalPlan): Generator<number, never> {
  const meanMs = 1000 / ratePerSecond;
  let poissonMs = 0;
  for (let turn = 0; ; turn += 1) {
    poissonMs += -Math.log(1 - random()) * meanMs;
    // A product, not a sum: a sum of a billion fractions drifts.
    yield arrivals === "constant" ? turn * meanMs : poissonMs;
  }
}
