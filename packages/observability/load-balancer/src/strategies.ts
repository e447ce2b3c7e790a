import type { LoadBalancer } from "@podlink/types";
import type { RandomOptions } from "./options.ts";
import { powerOfTwoChoices } from "./power-of-two.ts";
import { roundRobin } from "./round-robin.ts";

/** What options call a strategy. */
export type BalancerName = "power-of-two" | "round-robin";

/** Every strategy by its name: a new one is a file, its name and a line here. */
export const balancerByName: Readonly<Record<BalancerName, (options?: RandomOptions) => LoadBalancer>> = {
  "power-of-two": powerOfTwoChoices,
  "round-robin": roundRobin,
};
