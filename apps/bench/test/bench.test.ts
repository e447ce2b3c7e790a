import { PassThrough } from "node:stream";
import { WriteStream } from "node:tty";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Figure, Goal } from "../src/measure/figure.ts";
import type { Measured } from "../src/measure/measure.ts";
import { measure } from "../src/measure/measure.ts";
import { percentile } from "../src/measure/median.ts";
import { growth } from "../src/measure/slope.ts";
import type { FiguresResult } from "../src/report.ts";
import { asJson, asMarkdown, asText } from "../src/report.ts";
import { judge } from "../src/runs/soak.ts";
import { replaceBetween } from "../src/support/markers.ts";
import { Progress } from "../src/support/progress.ts";

interface Script {
  readonly ours: number[];
  readonly baseline: number[];
  readonly goal: Goal;
}

/** A figure whose sides take what they are told. */
function scripted({ ours, baseline, goal }: Script): Figure & { ended: boolean; order: string[] } {
  const order: string[] = [];
  const side = (name: string, times: number[]) => ({
    run: () => {
      order.push(name);
      return times.shift() ?? 1;
    },
  });
  const figure: Figure & { ended: boolean; order: string[] } = {
    id: "scripted",
    title: "a figure",
    baseline: "another",
    unit: "ns",
    goal,
    seen: { baseline: 26, scaledBy: "core" },
    ended: false,
    order,
    prepare: ({ defer }) => {
      defer(() => (figure.ended = true));
      // Four warm-ups come first and don't count.
      return { ours: side("ours", [1, 1, 1, 1, ...ours]), baseline: side("baseline", [1, 1, 1, 1, ...baseline]) };
    },
  };
  return figure;
}

const speeds = { mapGet: 13, rawSet1: 1, rawSet64: 1, rawSet256: 1, rawSet1024: 1 };

const resultOf = (...measured: Measured[]): FiguresResult => ({
  machine: { cpu: "a processor", cores: 2, memoryBytes: 2 ** 30, pinned: true, loadBefore: 0, speeds },
  versions: { node: "v20", redis: "7", podlink: "1" },
  pairs: 5,
  measured,
});

describe("measuring", () => {
  it("takes both sides in turn and gives the median of the pairs' ratios with its spread", async () => {
    const figure = scripted({ ours: [10, 20, 10], baseline: [20, 20, 30], goal: { ratioAtLeast: 2 } });
    const measured = await measure(figure, { pairs: 3 });
    expect(measured).toMatchObject({ ours: 10, baseline: 20, ratio: 2, spread: [1, 3], goal: ">= 2 x", met: true });
    expect(figure.order.slice(8)).toEqual(["ours", "baseline", "ours", "baseline", "ours", "baseline"]);
    expect(figure.ended).toBe(true);
  });

  it("a goal that is a maximum turns the ratio round, and every part of a goal has to hold", async () => {
    const goal = { ratioAtMost: 1.25, oursAtMost: 11 };
    const at = (ours: number) => measure(scripted({ ours: [ours], baseline: [10], goal }), { pairs: 1 });
    expect(await at(11)).toMatchObject({ ratio: 1.1, goal: "<= 1.25 x, <= 11 ns", met: true });
    expect(await at(12)).toMatchObject({ ratio: 1.2, met: false });
    expect(await at(13)).toMatchObject({ ratio: 1.3, met: false });
  });

  it("a missed goal is said", async () => {
    const measured = await measure(scripted({ ours: [10], baseline: [9], goal: { ratioAtLeast: 1 } }), { pairs: 1 });
    expect(measured.met).toBe(false);
    expect(asText(resultOf(measured))).toContain("NOT MET");
    expect(asMarkdown(resultOf(measured))).toContain("NOT MET");
  });

  it("a baseline slower than 0.8 of what was seen of it, scaled to this machine, doesn't count, and meets no goal", async () => {
    // Half as fast as the machine where it was seen, whatever it did at the time of other pairs.
    const at = (baseline: number) => {
      const speeds = [13, 26, 13];
      const figure = scripted({
        ours: [1, 1, 1],
        baseline: [baseline, 2 * baseline, baseline],
        goal: { ratioAtLeast: 1 },
      });
      return measure(figure, { pairs: 3, gauges: { measure: async () => speeds.shift()! } });
    };
    expect(await at(16)).toMatchObject({ expected: 13, counts: true, met: true });
    const slow = await at(17);
    expect(slow).toMatchObject({ expected: 13, counts: false, met: false });
    expect(asText(resultOf(slow))).toContain("baseline doesn't count");
    const gauges = { measure: async () => 13 };
    const alone = scripted({ ours: [1], baseline: [17], goal: { oursAtMost: 1 } });
    expect(await measure(alone, { pairs: 1, gauges })).toMatchObject({ expected: 13, met: true }); // it is held to no baseline
  });

  it("of a client's baseline, what a bare socket takes too is scaled by the bare socket, and the rest by Map.get", async () => {
    const gauges = { measure: async (speed: string) => ({ mapGet: 13, rawSet1: 22_000 })[speed]! };
    const ofClient = scripted({ ours: [1], baseline: [1], goal: { ratioAtLeast: 1 } });
    // 66 us were the socket's, 12 us the client's own.
    const figure = { ...ofClient, seen: { baseline: 78, scaledBy: { socket: "rawSet1", unitNs: 1000 } } } as const;
    expect((await measure(figure, { pairs: 1, gauges })).expected).toBeCloseTo(22 + 12 / 2);
  });

  it.each([
    ["ours", { ours: [Number.NaN], baseline: [1] }],
    ["ours", { ours: [0], baseline: [1] }],
    ["ours", { ours: [-1], baseline: [1] }],
    ["the baseline", { ours: [1], baseline: [Infinity] }],
    ["the baseline", { ours: [1], baseline: [0] }],
  ])("what no work can cost is no figure: %s of %j", async (side, costs) => {
    const figure = scripted({ ...costs, goal: { ratioAtLeast: 1 } });
    await expect(measure(figure, { pairs: 1 })).rejects.toThrow(`${side} can't be`);
    expect(figure.ended).toBe(true);
  });

  it("of bytes there may be none", async () => {
    const figure = { ...scripted({ ours: [0], baseline: [16], goal: { oursAtMost: 0 } }), unit: "bytes" as const };
    expect(await measure(figure, { pairs: 1 })).toMatchObject({ ours: 0, ratio: 0, met: true });
  });

  it("machines get the machine, the versions and the figures", async () => {
    const measured = await measure(scripted({ ours: [10], baseline: [20], goal: { ratioAtLeast: 2 } }), { pairs: 1 });
    const told = JSON.parse(asJson(resultOf(measured))) as Record<string, unknown>;
    expect(Object.keys(told)).toEqual(["machine", "versions", "figures"]);
    const figure = { id: "scripted", ours: 10, baseline: 20, unit: "ns", ratio: 2, spread: [2, 2], goal: ">= 2 x" };
    expect(told["figures"]).toEqual([{ ...figure, met: true, title: "a figure", baselineTitle: "another" }]);
  });

  it("a terminal gets colours, anything else and who wants none doesn't", async () => {
    const at = async (ours: number) =>
      measure(scripted({ ours: [ours], baseline: [10], goal: { ratioAtLeast: 1 } }), { pairs: 1 });
    const result = resultOf(await at(5), await at(20));
    const getColorDepth = (): number => WriteStream.prototype.getColorDepth();
    const terminal = Object.assign(new PassThrough(), { isTTY: true, getColorDepth });
    const [green, red] = ["\u001B[32m", "\u001B[31m"];
    for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS", "CI"]) vi.stubEnv(name, undefined);
    vi.stubEnv("TERM", "xterm-256color");
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(asText(result, terminal)).toContain(green);
    expect(asText(result, terminal)).toContain(red);
    expect(asText(result, new PassThrough())).toBe(asText(result));
    expect(asText(result)).not.toContain("\u001B");
    vi.stubEnv("NO_COLOR", "1");
    expect(asText(result, terminal)).toBe(asText(result));
  });

  it("what goes on now is told on a terminal only, and gone when something stays", () => {
    const written = (isTTY: boolean, columns: number): string => {
      const stream = new PassThrough();
      const clearLine = (): boolean => stream.write("<clear>");
      const terminal = Object.assign(stream, { isTTY, columns, clearLine, cursorTo: () => true });
      const progress = new Progress(terminal as unknown as NodeJS.WriteStream);
      progress.now("round 1 of 9");
      progress.now("round 2 of 9");
      progress.say("met");
      return String(stream.read());
    };
    expect(written(true, 12)).toBe("round 1 of <clear>round 2 of <clear>met\n");
    expect(written(true, 0)).toBe("round 1 of 9<clear>round 2 of 9<clear>met\n");
    expect(written(false, 0)).toBe("met\n");
  });

  it("what was prepared is ended when a side throws, and when preparing fails half-way", async () => {
    const figure = scripted({ ours: [], baseline: [], goal: {} });
    const broken: Figure = {
      ...figure,
      prepare: async (preparation) => {
        await figure.prepare(preparation);
        throw new Error("broken");
      },
    };
    await expect(measure(broken, { pairs: 1 })).rejects.toThrow("broken");
    expect(figure.ended).toBe(true);
  });

  it("a percentile lies between the two values it falls between", () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(percentile([1, 2, 3], 1)).toBe(3);
  });

  it("what grows is seen through outliers, and what doesn't is flat", () => {
    expect(growth([1, 2, 3, 100, 5, 6])).toBeCloseTo(5);
    expect(growth([5, 5, 900, 5, 5])).toBe(0);
  });

  it("only what is between a document's markers is replaced; without them nothing is", () => {
    const [begin, end] = ["<!-- the figures: begin -->", "<!-- the figures: end -->"];
    expect(replaceBetween(`a${begin}old${end}b`, "figures", "new", "x.md")).toBe(`a${begin}\n\nnew\n\n${end}b`);
    expect(() => replaceBetween("a", "figures", "new", "x.md")).toThrow("x.md needs the lines");
    expect(() => replaceBetween(`a${begin}old${end}b`, "soak", "new", "x.md")).toThrow("<!-- the soak: begin -->");
  });
});

it("a soak judges what grew after the first third, and not single outliers", () => {
  const flat = Array.from({ length: 60 }, (_, sample) => (sample < 20 ? sample * 50 : sample % 7 === 0 ? 3000 : 1000));
  expect(judge("heap", "bytes", flat)).toMatchObject({ median: 1000, growth: 0, allowed: 50, flat: true });
  const growing = Array.from({ length: 60 }, (_, sample) => 1000 + 2 * sample);
  expect(judge("heap", "bytes", growing)).toMatchObject({ growth: 78, flat: false });
});
