import { CoarseClock } from "@podlink/state-cache";
import { fakeClock } from "@podlink/testkit";
import { describe, expect, it } from "vitest";

describe("the coarse clock", () => {
  it("follows the clock in steps while it is used, by one timer", async () => {
    const clock = fakeClock();
    const coarse = new CoarseClock(clock, 20);
    const startMs = clock.nowMs();
    const one = coarse.use();
    const other = coarse.use();
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(30);
    expect(coarse.nowMs).toBe(startMs + 20);
    one.close();
    one.close();
    await clock.advance(30);
    expect(coarse.nowMs).toBe(startMs + 60);
    other.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it("has no timer while nobody uses it, and starts with the present time", async () => {
    const clock = fakeClock();
    const coarse = new CoarseClock(clock);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(1000);
    coarse.use();
    expect(coarse.nowMs).toBe(clock.nowMs());
  });

  it("stands still once closed, whoever uses it", async () => {
    const clock = fakeClock();
    const coarse = new CoarseClock(clock);
    coarse.use();
    coarse.close();
    coarse.close();
    coarse.use();
    expect(clock.pendingTimers).toBe(0);
  });

  it("uses the clock of this process when it is given none", () => {
    const before = performance.now();
    expect(new CoarseClock().nowMs).toBeGreaterThanOrEqual(before);
  });
});
