import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { calibrate, openGauges } from "../measure/calibration.ts";
import { Ends } from "../measure/ends.ts";
import type { Figure } from "../measure/figure.ts";
import { nameOf } from "../measure/figure.ts";
import type { Measured } from "../measure/measure.ts";
import { measure } from "../measure/measure.ts";
import { inProcessOfItsOwn } from "../measure/process-of-its-own.ts";
import type { FiguresResult } from "../report.ts";
import { machine, verdict, versions } from "../report.ts";
import { pinThisProcess } from "../support/cores.ts";
import type { Progress } from "../support/progress.ts";
import { redisVersion } from "../support/redis-version.ts";

export interface FiguresOptions {
  readonly figures: readonly Figure[];
  readonly pairs: number;
  /** The folder that a processor's profile of each figure goes to. Absent: none is made. */
  readonly profile?: string | undefined;
  readonly progress: Progress;
  readonly ends: Ends;
  /** Aborted when the run is broken off: it goes on with no other figure, and rejects. */
  readonly signal: AbortSignal;
}

/** Measures this machine, then one figure after the other. One that fails doesn't keep the others from being measured. */
export async function runFigures(options: FiguresOptions): Promise<FiguresResult & { readonly failed: string[] }> {
  const { figures, pairs, progress, ends, signal } = options;
  const loadBefore = loadavg()[0] ?? 0;
  const pin = pinThisProcess();
  progress.now("measuring this machine");
  const gauges = await openGauges({ tiny: false, pin, defer: (end) => ends.add(end) });
  const speeds = await calibrate(gauges);
  const measured: Measured[] = [];
  const failed: string[] = [];
  for (const [index, figure] of figures.entries()) {
    signal.throwIfAborted();
    const name = nameOf(figure);
    const place = `${index + 1} of ${figures.length}: ${name}`;
    const start = performance.now();
    const own = new Ends();
    ends.add(() => own.end());
    try {
      const one = await measure(inProcessOfItsOwn(figure), {
        pairs,
        pin,
        gauges,
        ends: own,
        onRound: (round, of) => progress.now(`${place}, round ${round} of ${of}`),
        ...(options.profile !== undefined && { onProfile: profileWriter(options.profile, name, progress) }),
      });
      measured.push(one);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      progress.say(`${place}: ${one.ratio.toFixed(2)} x, ${verdict(one)}, goal ${one.goal} (${seconds} s)`);
    } catch (error) {
      signal.throwIfAborted(); // it failed because its servers were ended
      failed.push(name);
      progress.say(`${place}: NOT MEASURED: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  await ends.end();
  const having = versions(await redisVersion());
  progress.clear();
  return { machine: machine({ pinned: pin, loadBefore, speeds }), versions: having, pairs, measured, failed };
}

const profileWriter = (folder: string, name: string, progress: Progress) => (profile: object) => {
  const path = join(folder, `${name.replace("/", "-")}.cpuprofile`);
  writeFileSync(path, JSON.stringify(profile));
  progress.say(path);
};
