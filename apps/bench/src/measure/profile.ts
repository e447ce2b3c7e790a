import type { Profiler } from "node:inspector";
import { Session } from "node:inspector/promises";

export type CpuProfile = Profiler.Profile;

/** The processor's profile of so many rounds, as DevTools and editors open it (.cpuprofile). */
export async function profiled(rounds: number, round: () => Promise<void>): Promise<CpuProfile> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: 200 });
    await session.post("Profiler.start");
    for (let turn = 0; turn < rounds; turn += 1) await round();
    return (await session.post("Profiler.stop")).profile;
  } finally {
    session.disconnect();
  }
}
