import { powerOfTwoChoices } from "@podlink/load-balancer";
import { SeededRandom } from "@podlink/testkit";
import type { LoadBalancer } from "@podlink/types";
import type { Figure, Goal } from "../measure/figure.ts";
import type { Balance } from "../support/placement-simulation.ts";
import { simulate } from "../support/placement-simulation.ts";

const SECONDS = 20;

interface Question {
  readonly variant: "busiest" | "worst-second" | "scale-out";
  readonly title: string;
  readonly goal: Goal;
  readonly seen: number;
}

const questions: readonly Question[] = [
  { variant: "busiest", title: "busiest pod / mean", goal: { oursAtMost: 1.02 }, seen: 4.9 },
  { variant: "worst-second", title: "worst second on one pod / fair share", goal: { oursAtMost: 1.5 }, seen: 49 },
  { variant: "scale-out", title: "the same with an empty new pod", goal: { oursAtMost: 2.5 }, seen: 98 },
];

/** How evenly callers that see the same late reports place: simulated time, so exact. */
export const balance: readonly Figure[] = questions.map(({ variant, title, goal, seen }) => ({
  id: "balance",
  variant,
  title: `${title}; 100 pods, 50 callers, 10,000 placements/s, reports up to 1 s old`,
  baseline: "lowest load",
  unit: "x",
  goal,
  seen: { baseline: seen, scaledBy: "exact" },
  pairs: 5, // each with another seed
  prepare({ tiny }) {
    const seconds = tiny ? 2 : SECONDS;
    const side = (balancer: (random: () => number) => LoadBalancer) => {
      let seed = 0;
      return {
        run: () => {
          const { fraction: random } = new SeededRandom((seed += 1));
          const linksAtStart = (pod: number): number => (variant === "scale-out" && pod !== 7 ? 1000 : 0);
          return answer(variant, simulate({ seconds, random, linksAtStart, balancer: () => balancer(random) }));
        },
      };
    };
    return { ours: side((random) => powerOfTwoChoices({ random })), baseline: side(lowestLoad) };
  },
}));

const answer = (variant: Question["variant"], { busiestToMean, worstSecond }: Balance): number =>
  variant === "busiest" ? busiestToMean : worstSecond;

/** The pod with the lowest reported load, whoever else chooses it meanwhile; among equals any. */
function lowestLoad(random: () => number): LoadBalancer {
  return {
    select({ count, linkCounts }) {
      let best = Math.floor(random() * count);
      for (let position = 0; position < count; position += 1) {
        if (linkCounts[position]! < linkCounts[best]!) best = position;
      }
      return best;
    },
  };
}
