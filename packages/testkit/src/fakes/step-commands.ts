import * as fc from "fast-check";

/** What one step does to the real thing, and what is looked at after it. */
export interface StepRules<Action, Model extends object, Real> {
  /** May throw: the property has failed. */
  readonly perform: (model: Model, real: Real, action: Action) => Promise<void>;
  /** Called after each step. @returns what is wrong; empty: nothing */
  readonly look: (model: Model, real: Real) => readonly string[] | Promise<readonly string[]>;
  /** The longest program. */
  readonly maxCommands: number;
}

/** A program of steps for `fc.asyncModelRun` and `fc.scheduledModelRun`. */
export type StepProgram<Model extends object, Real> = Iterable<fc.AsyncCommand<Model, Real>>;

/** Programs of random actions; each is printed as the action that it is. */
export function stepCommands<Action, Model extends object, Real>(
  actions: fc.Arbitrary<Action>,
  { perform, look, maxCommands }: StepRules<Action, Model, Real>,
): fc.Arbitrary<StepProgram<Model, Real>> {
  const commands = actions.map((action): fc.AsyncCommand<Model, Real> => ({
    check: () => true,
    async run(model, real) {
      await perform(model, real, action);
      const wrong = await look(model, real);
      if (wrong.length > 0) throw new Error(wrong.join("; "));
    },
    toString: () => JSON.stringify(action),
  }));
  return fc.commands<Model, Real, false>([commands], { maxCommands, size: "max" });
}
