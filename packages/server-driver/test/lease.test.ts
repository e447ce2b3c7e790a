import { fakeClock } from "@podlink/testkit";
import { expect, test } from "vitest";
import { Lease } from "../src/lease.ts";

const OPTIONS = { leaseMs: 1000, leaseMarginMs: 100, staleWhileDownMs: 5000 };

const hooks = (onFenced: () => void = () => undefined) => ({ onFenced, onServing: () => undefined });

function leaseOf(whenStoreDown: "refuse" | "serve" = "refuse") {
  const clock = fakeClock();
  let fenced = 0;
  const lease = new Lease(
    clock,
    { ...OPTIONS, whenStoreDown },
    hooks(() => (fenced += 1)),
  );
  return { clock, lease, fenced: () => fenced };
}

test("the lease lasts from before the report was sent to the lease less its margin", async () => {
  const { clock, lease, fenced } = leaseOf();
  const mark = lease.mark();
  await clock.advance(300); // the report takes that long
  lease.begin(mark);
  await clock.advance(599);
  expect(lease.standing()).toBe("held");
  await clock.advance(1);
  expect(lease.standing()).toBe("fenced");
  expect(fenced()).toBe(1);
});

test("it is found to be over when it ends, not when somebody asks next", async () => {
  const { clock, lease, fenced } = leaseOf();
  lease.begin(lease.mark());
  await clock.advance(900);
  expect(fenced()).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});

test("an answer that arrives when the lease is over doesn't count", async () => {
  const { clock, lease } = leaseOf();
  lease.begin(lease.mark());
  await clock.advance(800);
  const late = lease.mark();
  await clock.advance(100);
  expect(lease.extend(late)).toBe(false);
  expect(lease.standing()).toBe("fenced");
});

test("a wall clock more than the margin ahead of the monotonic one means that the machine was suspended", () => {
  const { clock, lease, fenced } = leaseOf();
  lease.begin(lease.mark());
  clock.jumpWall(100);
  expect(lease.standing()).toBe("held");
  clock.jumpWall(1);
  expect(lease.standing()).toBe("fenced");
  clock.jumpWall(-101);
  expect(lease.standing()).toBe("fenced"); // until the pod has registered again
  expect(fenced()).toBe(1);
});

test("a wall clock that steps back changes nothing", () => {
  const { clock, lease } = leaseOf();
  lease.begin(lease.mark());
  clock.jumpWall(-3_600_000);
  expect(lease.standing()).toBe("held");
});

test("each accepted report notes both clocks anew", async () => {
  const { clock, lease } = leaseOf();
  lease.begin(lease.mark());
  for (let step = 0; step < 20; step += 1) {
    clock.jumpWall(60); // a clock that is being slewed
    expect(lease.extend(lease.mark())).toBe(true);
    await clock.advance(100);
  }
  expect(lease.standing()).toBe("held");
});

test("why it was over before says nothing of the next time", async () => {
  const { clock, lease } = leaseOf("serve");
  lease.begin(lease.mark());
  clock.jumpWall(60_000);
  expect(lease.standing()).toBe("fenced");
  expect(lease.overBecause).toBe("clock-ahead");
  lease.begin(lease.mark());
  lease.reportFailed();
  await clock.advance(950);
  expect(lease.standing()).toBe("serving");
  expect(lease.overBecause).toBe("lease-over"); // the pod registers again before anything else has ended it
  lease.end();
});

test("serve: goes on past the lease while reports fail, up to staleWhileDownMs", async () => {
  const { clock, lease } = leaseOf("serve");
  lease.begin(lease.mark());
  await clock.advance(500);
  lease.reportFailed();
  await clock.advance(500);
  expect(lease.standing()).toBe("serving");
  await clock.advance(3999);
  expect(lease.standing()).toBe("serving");
  await clock.advance(1);
  expect(lease.standing()).toBe("fenced");
  expect(clock.pendingTimers).toBe(0);
});

test("serve: without a failed report the lease just ends", async () => {
  const { clock, lease } = leaseOf("serve");
  lease.begin(lease.mark());
  await clock.advance(900);
  expect(lease.standing()).toBe("fenced");
});

test("serve: after a gap in its own running longer than the margin it is fenced", async () => {
  const { clock, lease } = leaseOf("serve");
  // A clock whose timers don't fire while it jumps: the process stands still.
  let stoodStillMs = 0;
  const still = { ...clock, nowMs: () => clock.nowMs() + stoodStillMs, wallMs: () => clock.wallMs() + stoodStillMs };
  let fenced = 0;
  const other = new Lease(
    still,
    { ...OPTIONS, whenStoreDown: "serve" },
    hooks(() => (fenced += 1)),
  );
  other.begin(other.mark());
  other.reportFailed();
  await clock.advance(950);
  expect(other.standing()).toBe("serving");
  stoodStillMs = 101;
  expect(other.standing()).toBe("fenced");
  expect(fenced).toBe(1);
  expect(other.overBecause).toBe("stood-still");
  lease.end();
});

test("serve: a gap within the lease is remembered until a report is accepted", async () => {
  const clock = fakeClock();
  let stoodStillMs = 0;
  const still = { ...clock, nowMs: () => clock.nowMs() + stoodStillMs, wallMs: () => clock.wallMs() + stoodStillMs };
  const lease = new Lease(still, { ...OPTIONS, whenStoreDown: "serve" }, hooks());
  lease.begin(lease.mark());
  stoodStillMs = 200;
  await clock.advance(100);
  lease.reportFailed();
  expect(lease.standing()).toBe("held");
  await clock.advance(700);
  expect(lease.standing()).toBe("fenced");
});
