import { expect, test } from "vitest";
import { startLoad } from "../../src/load.ts";
import { Timeline } from "../../src/load/timeline.ts";
import { PATIENTLY, posting, startService, WHEN_ANSWERED } from "./support/service.ts";

test("a request stands in the slot in which it was due, whenever it ends, and each row adds up", () => {
  const timeline = new Timeline(100);
  for (const dueMs of [0, 50, 99.9, 100, 250]) timeline.due(dueMs);
  timeline.ended(50, "acknowledged", 500);
  timeline.ended(0, "refused", 10);
  timeline.retry(100);
  timeline.ended(100, "unknown", 10);
  timeline.ended(250, "shed", 0);
  const none = { acknowledged: 0, refused: 0, unknown: 0, failed: 0, shed: 0, underWay: 0, retries: 0 };
  expect(timeline.rows).toEqual([
    { ...none, atMs: 0, due: 3, acknowledged: 1, refused: 1, underWay: 1, p50Ms: 500, p99Ms: 500, maxMs: 500 },
    { ...none, atMs: 100, due: 1, unknown: 1, retries: 1 },
    { ...none, atMs: 200, due: 1, shed: 1 },
  ]);
  timeline.ended(99.9, "acknowledged", 900);
  expect(timeline.rows[0]).toMatchObject({ due: 3, acknowledged: 2, underWay: 0, maxMs: 900 });
});

test("the newest 20,000 rows are kept, and it is said how many are gone", () => {
  const timeline = new Timeline(10);
  for (let slot = 0; slot < 20_005; slot += 1) {
    timeline.due(slot * 10);
    timeline.ended(slot * 10, "acknowledged", 1);
  }
  expect(timeline.dropped).toBe(4);
  expect(timeline.rows).toHaveLength(20_001); // the slot that is not over yet is one more
  expect(timeline.rows[0]?.atMs).toBe(40);
});

test("marks part the load into phases: what was due between two of them, as figures", async () => {
  let isBroken = false;
  const { url } = await startService({ answer: (_, res) => void res.writeHead(isBroken ? 421 : 200).end() });
  await using load = await startLoad({ ...posting, url, timelineMs: 10 });
  const acknowledged = (): number => load.report().figures.acknowledged;
  const refused = (): number => load.report().figures.refused;
  await expect.poll(acknowledged, PATIENTLY).toBeGreaterThan(5);
  const broken = load.mark("broken");
  isBroken = true;
  await expect.poll(refused, PATIENTLY).toBeGreaterThan(5);
  isBroken = false;
  const healed = load.mark("healed");
  const before = acknowledged();
  await expect.poll(acknowledged, PATIENTLY).toBeGreaterThan(before + 5);
  const report = await load.end(WHEN_ANSWERED);
  expect(report.phases.map(({ name }) => name)).toEqual(["start", "broken", "healed"]);
  expect(report.marks).toEqual([broken, healed]);
  const [start, middle, end] = report.phases;
  expect(middle).toMatchObject({ fromMs: broken.atMs, toMs: healed.atMs });
  expect(middle!.figures.refused).toBeGreaterThan(0); // of those refused some were due before the mark
  expect(load.between(broken, healed)).toEqual(middle!.figures);
  expect(load.between(healed)).toEqual(end!.figures);
  for (const name of ["due", "acknowledged", "refused"] as const) {
    const inPhases = start!.figures[name] + middle!.figures[name] + end!.figures[name];
    expect(inPhases).toBe(report.figures[name]);
    expect(report.timeline.reduce((sum, row) => sum + row[name], 0)).toBe(report.figures[name]);
  }
  expect(() => load.between(healed, broken)).toThrow(/two marks of this load, the earlier one first/);
  expect(() => load.between({ name: "broken", atMs: broken.atMs })).toThrow(/two marks of this load/);
});
