import type { FigureQuestion } from "../processes/one-figure.ts";
import { startChild } from "../support/child.ts";
import type { Figure } from "./figure.ts";
import { nameOf } from "./figure.ts";

/**
 * The same figure, measured in a process of its own. What V8 has learned from others decides how fast code is: a scan of 10,000
 * pods took 12 us alone and 63 us after all others.
 * @param figure one of `figures/index.ts`, by whose name the process finds it
 */
export const inProcessOfItsOwn = (figure: Figure): Figure => ({
  ...figure,
  async prepare({ tiny, pin, defer }) {
    const child = await startChild("one-figure", { defer });
    const ask = <Answer>(question: FigureQuestion): Promise<Answer> => child.ask<Answer>(question);
    defer(() => (child.isRunning() ? ask({ end: true }) : undefined));
    await ask({ prepare: nameOf(figure), tiny, pin });
    return {
      ours: {
        run: () => ask<number>({ run: "ours" }),
        profiled: (rounds) => ask({ profileOurs: rounds }),
      },
      baseline: { run: () => ask<number>({ run: "baseline" }) },
    };
  },
});
