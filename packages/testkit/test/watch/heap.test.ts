import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeClock, HeapWatcher } from "../../src/index.ts";
import { found } from "./links.ts";

function reported() {
  const { violations, onViolation } = found();
  return { heap: new HeapWatcher({ onViolation, clock: fakeClock() }), violations };
}

test("what is kept on this process' heap is found by the ratio, garbage is not", async () => {
  const { violations, onViolation } = found();
  const heap = new HeapWatcher({ onViolation });
  const allocate = () => Array.from({ length: 100_000 }, (_, index) => ({ index, text: `entry ${index}` }));
  allocate();
  await heap.mark("start");
  allocate();
  const garbage = await heap.mark("garbage");
  heap.atMost(1, "start", "garbage", { slackBytes: 2_000_000 });
  expect(violations).toEqual([]);
  const kept = allocate();
  const leaked = await heap.mark("leaked");
  heap.atMost(1, "start", "leaked", { slackBytes: 2_000_000 });
  expect(kept).toHaveLength(100_000);
  expect(leaked.usedBytes).toBeGreaterThan(garbage.usedBytes);
  expect(violations).toMatchObject([{ invariant: "heap", evidence: { kind: "ratio", ratio: 1 } }]);
});

test("a bound is accused exactly when what another process reports is above it, with both readings", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 9000 }),
      fc.integer({ min: 1000, max: 9000 }),
      fc.nat(1000),
      (a, b, slack) => {
        const { heap, violations } = reported();
        heap.record("minute 2", { usedBytes: a, atMs: 0 });
        heap.record("end", { usedBytes: b, atMs: 60_000 });
        heap.atMost(1.1, "minute 2", "end", { slackBytes: slack });
        expect(violations).toHaveLength(b > a * 1.1 + slack ? 1 : 0);
        expect(heap.growth("minute 2", "end")).toBe(b / a);
        for (const { message } of violations) {
          expect(message).toContain(`${a} bytes at "minute 2" (0.0 ms), ${b} bytes at "end" (60000.0 ms)`);
        }
      },
    ),
  );
});

test("so many bytes more are always allowed", () => {
  const { heap, violations } = reported();
  heap.record("start", { usedBytes: 1000, atMs: 0 });
  heap.record("end", { usedBytes: 1600, atMs: 1 });
  heap.atMost(1.1, "start", "end", { slackBytes: 500 });
  expect(violations).toEqual([]);
  heap.atMost(1.1, "start", "end", { slackBytes: 499 });
  expect(violations).toHaveLength(1);
});

test("the slope is that of all readings, in bytes a minute, and noise around a level has none", () => {
  const { heap, violations } = reported();
  expect(() => heap.slopeAtMost(0)).toThrow("a slope needs two readings");
  for (let minute = 0; minute < 10; minute += 1) {
    heap.record(`m${minute}`, { usedBytes: 5_000_000 + 1000 * minute + (minute % 2) * 10, atMs: minute * 60_000 });
  }
  expect(heap.bytesPerMinute).toBeCloseTo(1000, -1);
  heap.slopeAtMost(1010);
  expect(violations).toEqual([]);
  heap.slopeAtMost(900);
  expect(violations).toMatchObject([{ evidence: { kind: "slope", readings: 10 } }]);
});

test("a heap is read in any way: asked of another process, for example", async () => {
  const { onViolation } = found();
  const heap = new HeapWatcher({ onViolation, read: () => Promise.resolve(7) });
  expect((await heap.mark("now")).usedBytes).toBe(7);
  expect(heap.observed).toBe(1);
});

test("a mark that there isn't, or is twice, is an error that names it", () => {
  const { heap } = reported();
  expect(() => heap.atMost(1, "a", "b")).toThrow('no mark "a"; there is none');
  heap.record("start", { usedBytes: 1, atMs: 0 });
  expect(() => heap.growth("start", "end")).toThrow('no mark "end"; there are "start"');
  expect(() => heap.record("start", { usedBytes: 1, atMs: 0 })).toThrow('mark "start" was already made');
});
