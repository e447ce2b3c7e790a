import type { Profiler } from "node:inspector";
import { Session } from "node:inspector/promises";

export type CpuProfile = Profiler.Profile;

const INTERVAL_US = 200;
/** Fewer samples than in this time may miss what was done most. */
const SHORTEST_MS = 500;

/** The processor's profile of this process during some work, as DevTools and editors open it (.cpuprofile). */
export async function recorded(work: () => Promise<void>): Promise<CpuProfile> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
    await session.post("Profiler.start");
    await work();
    return (await session.post("Profiler.stop")).profile;
  } finally {
    session.disconnect();
  }
}

/** So many rounds, and more when they are short: enough for a profile. */
export async function repeated(rounds: number, round: () => Promise<void>): Promise<void> {
  const beganAtMs = performance.now();
  for (let turn = 0; turn < rounds || performance.now() - beganAtMs < SHORTEST_MS; turn += 1) await round();
}

/** The profile of rounds that are worked on in this process. */
export function profiled(rounds: number, round: () => Promise<void>): Promise<CpuProfile> {
  return recorded(() => repeated(rounds, round));
}
