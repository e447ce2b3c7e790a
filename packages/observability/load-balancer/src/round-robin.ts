import type { LoadBalancer } from "@podlink/types";
import { parseOptions } from "@podlink/types";
import type { RandomOptions } from "./options.ts";
import { randomOptions } from "./options.ts";

export type RoundRobinOptions = RandomOptions;

/**
 * Takes the pods in turn, whatever their load, weight and age. For services whose users cost the same.
 * Starts at a random pod, so that many callers that start together don't go round in step.
 * @throws RouteError CONFIG for an unknown option.
 */
export function roundRobin(options: RoundRobinOptions = {}): LoadBalancer {
  const { random } = parseOptions(randomOptions, options, "roundRobin");
  let next = Math.floor(random() * 65_536);
  return {
    select({ count }, context) {
      const except = context?.except;
      const shunned = except !== undefined && except >= 0 && except < count;
      if (count <= (shunned ? 1 : 0)) return undefined;
      let position = next % count;
      if (shunned && position === except) position = (position + 1) % count;
      next = position + 1;
      return position;
    },
  };
}
