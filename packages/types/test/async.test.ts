import { describe, expect, it, vi } from "vitest";
import type { Clock, Ending } from "../src/index.ts";
import { defer, Listeners, silentLogger, SingleFlight, sleep, systemClock, withDeadline } from "../src/index.ts";

/** A clock whose only timers fire by hand. */
function handClock(): Clock & { fire(): void; pending(): number } {
  const timers = new Set<() => void>();
  return {
    nowMs: () => 0,
    wallMs: () => 0,
    setTimer: (_delayMs, run) => {
      timers.add(run);
      return { cancel: () => void timers.delete(run) };
    },
    fire: () => {
      for (const run of timers) run();
      timers.clear();
    },
    pending: () => timers.size,
  };
}

describe("a deadline", () => {
  it("passes the answer on and leaves no timer", async () => {
    const clock = handClock();
    await expect(withDeadline(Promise.resolve(7), { what: "a call", clock })).resolves.toBe(7);
    await expect(withDeadline(Promise.reject(new Error("no")), { what: "a call", clock })).rejects.toThrow("no");
    expect(clock.pending()).toBe(0);
  });

  it("settles work that never does, and says what is known of its effect", async () => {
    const clock = handClock();
    const waiting = withDeadline(new Promise(() => undefined), {
      what: "a claim",
      timeoutMs: 50,
      outcome: "unknown",
      clock,
    });
    clock.fire();
    await expect(waiting).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "unknown",
      message: "a claim was not answered within 50 ms",
    });
  });

  it("ends with CANCELLED when the caller aborts, before or during", async () => {
    const clock = handClock();
    const abort = new AbortController();
    const waiting = withDeadline(new Promise(() => undefined), { what: "a call", signal: abort.signal, clock });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: "CANCELLED" });
    await expect(
      withDeadline(Promise.resolve(1), { what: "a call", signal: abort.signal, clock }),
    ).rejects.toMatchObject({ code: "CANCELLED" });
    expect(clock.pending()).toBe(0);
  });

  it("ends with CANCELLED when all waits are ended together; none that is over stays among those that can be", async () => {
    const clock = handClock();
    const endings = new Set<Ending>();
    const never = new Promise(() => undefined);
    await withDeadline(Promise.resolve(1), { what: "a call", clock, endings });
    const late = withDeadline(never, { what: "a call", clock, endings });
    clock.fire();
    await expect(late).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(endings.size).toBe(0);
    const waiting = withDeadline(never, { what: "a call", clock, endings });
    for (const ending of endings) ending.cancel();
    await expect(waiting).rejects.toMatchObject({ code: "CANCELLED", message: "a call was cancelled by its caller" });
    expect([endings.size, clock.pending()]).toEqual([0, 0]);
  });

  it("refuses a wait that is no time, and what it would have waited for fails unheard", async () => {
    const work = Promise.reject(new Error("later"));
    expect(() => withDeadline(work, { what: "a call", timeoutMs: -1 })).toThrow("timeoutMs must be");
    await new Promise((resolve) => setTimeout(resolve, 1)); // an unhandled rejection would fail this run
  });
});

describe("sleep", () => {
  it("ends at once when aborted, and leaves no timer", async () => {
    const clock = handClock();
    const abort = new AbortController();
    const slept = sleep(1000, { clock, signal: abort.signal });
    abort.abort();
    await slept;
    await sleep(1000, { clock, signal: abort.signal });
    expect(clock.pending()).toBe(0);
  });

  it("waits on the real clock without keeping the process alive", async () => {
    const before = systemClock.nowMs();
    const keepAlive = setTimeout(() => undefined, 1000);
    await sleep(5);
    clearTimeout(keepAlive);
    expect(systemClock.nowMs() - before).toBeGreaterThanOrEqual(4);
    expect(systemClock.wallMs()).toBeGreaterThan(1_600_000_000_000);
    systemClock.setTimer(2 ** 40, () => expect.unreachable()).cancel();
  });
});

describe("single flight", () => {
  it("shares one run for each key and starts anew after it landed", async () => {
    const flights = new SingleFlight<string, number>();
    const gate = defer<number>();
    const work = vi.fn(() => gate.promise);
    const both = Promise.all([flights.run("a", work), flights.run("a", work), flights.run("b", async () => 2)]);
    expect(flights.size).toBe(2);
    expect(flights.current("a")).toBe(gate.promise);
    gate.resolve(1);
    await expect(both).resolves.toEqual([1, 1, 2]);
    expect(work).toHaveBeenCalledTimes(1);
    await flights.run("a", work);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it("forgets a run that failed", async () => {
    const flights = new SingleFlight<string, number>();
    await expect(flights.run("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await expect(flights.run("a", async () => 1)).resolves.toBe(1);
  });
});

describe("listeners", () => {
  it("fault 13: a listener that throws harms nobody, and each can unsubscribe", () => {
    const error = vi.fn();
    const listeners = new Listeners<number>({ ...silentLogger, error });
    const heard: string[] = [];
    const first = listeners.add((event) => heard.push(`first ${event}`));
    listeners.add(() => {
      throw new Error("bad listener");
    });
    listeners.add(() => {
      // oxlint-disable-next-line typescript/only-throw-error -- users' listeners throw anything
      throw "not even an error";
    });
    listeners.add((event) => heard.push(`last ${event}`));
    listeners.emit(1);
    first.close();
    first.close();
    listeners.emit(2);
    expect(heard).toEqual(["first 1", "last 1", "last 2"]);
    expect(error).toHaveBeenCalledTimes(4);
    listeners.clear();
    expect(listeners.size).toBe(0);
  });

  it("one that is ended during an event isn't called any more, one that is added isn't called yet", () => {
    const listeners = new Listeners<string>();
    const heard: string[] = [];
    listeners.add(() => {
      later.close();
      listeners.add((event) => heard.push(`new ${event}`));
    });
    const later = listeners.add((event) => heard.push(`ended ${event}`));
    listeners.emit("a");
    expect(heard).toEqual([]);
  });
});
