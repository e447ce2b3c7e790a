/** Strategies that choose a pod from a snapshot: pure, seeded, exchangeable. */

export type { PowerOfTwoOptions } from "./power-of-two.ts";
export { powerOfTwoChoices } from "./power-of-two.ts";
export type { RoundRobinOptions } from "./round-robin.ts";
export { roundRobin } from "./round-robin.ts";

// ---- Below: for those who choose a strategy by its name. ----

export type { BalancerName } from "./strategies.ts";
export { balancerByName } from "./strategies.ts";
