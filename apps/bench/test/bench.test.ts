import { describe, expect, it } from "vitest";
import type { Figure } from "../src/figure.ts";
import { measure } from "../src/figure.ts";
import { figures } from "../src/figures/index.ts";
import { machine, table } from "../src/report.ts";

/** A figure whose sides take what they are told. */
function scripted(ours: number[], baseline: number[], goal: number): Figure & { ended: boolean; order: string[] } {
  const order: string[] = [];
  const side = (name: string, times: number[]) => ({
    run: () => {
      order.push(name);
      return times.shift() ?? 1;
    },
  });
  const figure = {
    id: "scripted",
    title: "a figure",
    baseline: "another",
    goal,
    ended: false,
    order,
    prepare: () =>
      Promise.resolve({
        ours: side("ours", [1, 1, ...ours]), // two warm-ups come first and don't count
        baseline: side("baseline", [1, 1, ...baseline]),
        end: () => {
          figure.ended = true;
          return Promise.resolve();
        },
      }),
  };
  return figure;
}

describe("measuring", () => {
  it("takes both sides in turn and gives the median of the pairs' ratios with its spread", async () => {
    const figure = scripted([10, 20, 10], [20, 20, 30], 2);
    const measured = await measure(figure, 3);
    expect(measured).toMatchObject({ ours: 10, baseline: 20, ratio: 2, spread: [1, 3], met: true });
    expect(figure.order.slice(4)).toEqual(["ours", "baseline", "ours", "baseline", "ours", "baseline"]);
    expect(figure.ended).toBe(true);
  });

  it("a missed goal is said", async () => {
    const measured = await measure(scripted([10], [9], 1), 1);
    expect(measured.met).toBe(false);
    expect(table([measured])).toContain("NOT MET");
  });

  it("what was prepared is ended when a side throws", async () => {
    const figure = scripted([], [], 1);
    const broken: Figure = {
      ...figure,
      prepare: async () => {
        const sides = await figure.prepare();
        return { ...sides, ours: { run: () => Promise.reject(new Error("broken")) } };
      },
    };
    await expect(measure(broken, 1)).rejects.toThrow("broken");
    expect(figure.ended).toBe(true);
  });

  it("names the machine", () => expect(machine()).toMatchObject({ node: process.version }));
});

describe("each figure works: a pair of it gives numbers", () => {
  // hit-sync with more entries is the same code and takes ten times as long to prepare.
  const quick = figures.filter(({ id }) => id !== "hit-sync-100k");
  it.each(quick.map((figure) => [figure.id, figure] as const))("%s", async (_id, figure) => {
    const measured = await measure(figure, 1, 0);
    expect(measured.ours).toBeGreaterThan(0);
    expect(measured.baseline).toBeGreaterThan(0);
  });
});
