import { figures } from "../figures/index.ts";
import { Ends } from "../measure/ends.ts";
import type { Sides } from "../measure/figure.ts";
import { nameOf } from "../measure/figure.ts";
import { profiled } from "../measure/profile.ts";
import { answerParent } from "../support/child.ts";

interface PrepareQuestion {
  /** A figure's name. */
  readonly prepare: string;
  readonly tiny: boolean;
  readonly pin: boolean;
}

export type FigureQuestion =
  | PrepareQuestion
  | { readonly run: keyof Sides }
  | { readonly profileOurs: number }
  | { readonly end: true };

const ends = new Ends();
let sides: Sides | undefined;

// One figure, measured where nothing was measured before.
answerParent(async (question: FigureQuestion): Promise<unknown> => {
  if ("end" in question) return ends.end();
  if ("prepare" in question) return prepare(question);
  if (sides === undefined) throw new Error("the figure is not prepared");
  const { ours } = sides;
  if ("run" in question) return sides[question.run].run();
  return (ours.profiled ?? profiled)(question.profileOurs, async () => void (await ours.run()));
});

async function prepare({ prepare: name, tiny, pin }: PrepareQuestion): Promise<void> {
  const figure = figures.find((one) => nameOf(one) === name);
  if (figure === undefined) throw new Error(`there is no figure ${name}`);
  sides = await figure.prepare({ tiny, pin, defer: (end) => ends.add(end) });
}
