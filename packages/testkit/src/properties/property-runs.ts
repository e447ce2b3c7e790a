/** How often a property is tried, and from which seed: hand it to `fc.assert`. */
export interface PropertyRuns {
  readonly numRuns: number;
  readonly seed: number;
}

/**
 * The runs of a property, printed, so that any run can be repeated: `defaults`, unless the environment says otherwise.
 * `SEED` is another seed; `SIMULATED_RUNS` another number of runs, `500` or `10x` of the default.
 * @throws Error naming the variable that is neither.
 */
export function propertyRuns(
  name: string,
  defaults: PropertyRuns,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): PropertyRuns {
  const seed = numberIn("SEED", environment["SEED"] ?? String(defaults.seed));
  const asked = environment["SIMULATED_RUNS"] ?? String(defaults.numRuns);
  const numRuns = asked.endsWith("x")
    ? defaults.numRuns * numberIn("SIMULATED_RUNS", asked.slice(0, -1))
    : numberIn("SIMULATED_RUNS", asked);
  if (numRuns < 1) throw new Error(`SIMULATED_RUNS: at least one run; got ${asked}`);
  process.stdout.write(`${name}: SEED=${seed} SIMULATED_RUNS=${numRuns}\n`);
  return { numRuns, seed };
}

function numberIn(variable: string, text: string): number {
  if (!/^-?\d+$/.test(text))
    throw new Error(`${variable}: a whole number${variable === "SEED" ? "" : ", or 10x"}; got ${text}`);
  return Number(text);
}
