// Each figure, the scale run and the soak, in small: that they work at all. Nothing is asserted of how fast anything is.
import { execFileSync } from "node:child_process";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { figures } from "../../src/figures/index.ts";
import { calibrate, openGauges } from "../../src/measure/calibration.ts";
import { Ends } from "../../src/measure/ends.ts";
import { nameOf } from "../../src/measure/figure.ts";
import { measure } from "../../src/measure/measure.ts";
import { inProcessOfItsOwn } from "../../src/measure/process-of-its-own.ts";
import type { CpuProfile } from "../../src/measure/profile.ts";
import type { Leak } from "../../src/runs/leaks.ts";
import { runScale } from "../../src/runs/scale.ts";
import type { SoakResult } from "../../src/runs/soak.ts";
import { runSoak } from "../../src/runs/soak.ts";

describe("the whole bench works", () => {
  it.each(figures.map((figure) => [nameOf(figure), figure] as const))(
    "%s gives numbers",
    async (_name, figure) => {
      const measured = await measure(inProcessOfItsOwn(figure), { pairs: 1, warmUps: 0, tiny: true });
      expect(measured.ours).toBeGreaterThanOrEqual(0);
      expect(measured.baseline).toBeGreaterThan(0);
      expect(measured.ratio).not.toBeNaN();
    },
    120_000,
  ); // processes that start, and a lease and a grace that pass, on a busy machine

  it("a figure whose process dies says so, and leaves no one waiting", async () => {
    const { pid } = process;
    const childOf = (): number =>
      Number(
        /(\d+) .*one-figure/.exec(
          execFileSync("ps", ["--ppid", String(pid), "-o", "pid=,args="], { encoding: "utf8" }),
        )?.[1],
      );
    const figure = inProcessOfItsOwn(figures.find(({ id }) => id === "balance")!);
    const onRound = (): void => void process.kill(childOf(), "SIGKILL");
    await expect(measure(figure, { pairs: 1, tiny: true, onRound })).rejects.toThrow("ended before it answered");
  }, 120_000);

  it("this machine's speeds are measured", async () => {
    const ends = new Ends();
    onTestFinished(() => ends.end());
    const gauges = await openGauges({ tiny: true, pin: false, defer: (end) => ends.add(end) });
    const seen = await calibrate(gauges);
    expect(Object.keys(seen)).toEqual(["mapGet", "rawSet1", "rawSet64", "rawSet256", "rawSet1024"]);
    for (const speed of Object.values(seen)) expect(speed).toBeGreaterThan(0);
  });

  it.each([
    ["in the figure's process", "balance", "/load-balancer/src/"],
    ["in another one of it, where the work is", "gateway-http", "/packages/http/src/"],
  ])(
    "our side is profiled: %s",
    async (_where, id, place) => {
      let profile: CpuProfile | undefined;
      const figure = figures.find((one) => one.id === id)!;
      await measure(inProcessOfItsOwn(figure), {
        pairs: 1,
        warmUps: 0,
        tiny: true,
        onProfile: (made) => (profile = made),
      });
      expect(profile?.nodes.some(({ callFrame }) => callFrame.url.includes(place))).toBe(true);
    },
    120_000,
  );

  it.each([0, 5])(
    "callers follow the pods of a scale run, %d of them whole, and hear of changes",
    async (wholePods) => {
      const { parts } = await runScale({
        pods: 40,
        wholePods,
        callers: 2,
        seconds: 1,
        pin: false,
        say: () => undefined,
      });
      expect(parts.map(({ part }) => part)).toEqual(["pods report", "callers follow", "and states change"]);
      for (const part of parts) expect(part.reportsPerSecond).toBeGreaterThan(0);
      expect(parts[2]?.callerPushesPerSecond).toBeGreaterThan(0);
      expect(parts[2]!.wholePodsCpuPercent > 0).toBe(wholePods > 0);
    },
  );

  describe("a soak", () => {
    const soak = (planted?: Leak) => runSoak({ seconds: 2, planted, say: () => undefined });
    const growthOf = (result: SoakResult, name: Leak) => result.flatness.find((one) => one.name === name)!.growth;
    let sound: SoakResult;
    beforeAll(async () => void (sound = await soak()));

    it("makes requests, lets users go, replaces pods and judges", () => {
      expect(sound.served).toBeGreaterThan(0);
      expect(sound.usersGone).toBeGreaterThan(0);
      expect(sound).toMatchObject({ podsReplaced: 8, samples: 8 });
      expect(sound.flatness.map(({ name }) => name)).toEqual(["heap", "handles", "redis"]);
    });

    it.each<[Leak, lost: number]>([
      ["heap", 10_000_000],
      ["handles", 5],
      ["redis", 250_000],
    ])("accuses a leak that is planted: %s", async (planted, lost) => {
      const leaking = await soak(planted);
      expect(leaking.flatness.find(({ name }) => name === planted)).toMatchObject({ flat: false });
      expect(growthOf(leaking, planted) - growthOf(sound, planted)).toBeGreaterThan(lost / 2);
    });
  });
});
