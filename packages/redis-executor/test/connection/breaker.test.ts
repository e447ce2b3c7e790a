import { setTimeout } from "node:timers/promises";
import { defer, RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import { Breakers } from "../../src/connection/breaker.ts";

const silent = async (): Promise<never> => {
  throw new Error("Connection is closed.");
};
const refusal = (): RouteError => new RouteError("STORE_UNAVAILABLE", "refused", { outcome: "not-applied" });

function breakersOf() {
  const events: string[] = [];
  const breakers = new Breakers({
    opened: (server) => void events.push(`opened ${server}`),
    closed: (server) => void events.push(`closed ${server}`),
  });
  const open = async (server: string): Promise<void> => {
    for (let calls = 0; calls < 5; calls += 1)
      await breakers
        .of(server)
        .run(silent, refusal)
        .catch(() => undefined);
  };
  return { breakers, events, open };
}

test("five unanswered calls in a row open it, for that server alone", async () => {
  const { breakers, events, open } = breakersOf();
  await open("a");
  let asked = 0;
  const ask = async (): Promise<number> => (asked += 1);
  await expect(breakers.of("a").run(ask, refusal)).rejects.toThrow("refused");
  expect(asked).toBe(0);
  expect(await breakers.of("b").run(ask, refusal)).toBe(1);
  expect(events).toEqual(["opened a"]);
});

test("an answer that refuses is an answer", async () => {
  const { breakers, events } = breakersOf();
  const full = Object.assign(new Error("OOM command not allowed"), { name: "ReplyError" });
  for (let calls = 0; calls < 20; calls += 1)
    await breakers
      .of("a")
      .run(() => Promise.reject(full), refusal)
      .catch(() => undefined);
  expect(events).toEqual([]);
});

test("one call tries alone, the others are refused meanwhile; its answer closes it", async () => {
  const { breakers, events, open } = breakersOf();
  await open("a");
  await setTimeout(500); // the first wait is shorter than that
  const probe = breakers.of("a").run(() => setTimeout(100, "answer"), refusal);
  let isTried = false;
  void probe.then(() => (isTried = true));
  await expect(breakers.of("a").run(async () => "other", refusal)).rejects.toThrow("refused");
  expect(isTried).toBe(false);
  expect(await probe).toBe("answer");
  expect(await breakers.of("a").run(async () => "other", refusal)).toBe("other");
  expect(events).toEqual(["opened a", "closed a"]);
});

test("a new connection is a new chance at once", async () => {
  const { breakers, open } = breakersOf();
  await open("a");
  breakers.reset();
  expect(await breakers.of("a").run(async () => "answer", refusal)).toBe("answer");
});

test("calls that began while all went well open it too, five of them unanswered in a row", async () => {
  const { breakers, events } = breakersOf();
  const lost = new Error("Connection is closed.");
  const breaker = breakers.of("a");
  for (let calls = 0; calls < 4; calls += 1) await breaker.failed(lost);
  breaker.answered();
  for (let calls = 0; calls < 4; calls += 1) await breaker.failed(lost);
  expect([breaker.isCalm, events]).toEqual([false, []]);
  await breaker.failed(lost);
  expect(events).toEqual(["opened a"]);
  breaker.answered();
  expect(breaker.isCalm, "what was asked before it opened proves nothing").toBe(false);
  await expect(breaker.run(async () => "answer", refusal)).rejects.toThrow("refused");
});

test("it is calm again once it has run a call that was answered", async () => {
  const { breakers } = breakersOf();
  const breaker = breakers.of("a");
  await expect(breaker.run(silent, refusal)).rejects.toThrow("closed");
  expect(breaker.isCalm).toBe(false);
  expect(await breaker.run(async () => "answer", refusal)).toBe("answer");
  expect(breaker.isCalm).toBe(true);
});

test("a call that it ran before it opened, answered after, proves nothing: one that tries still closes it", async () => {
  const { breakers, events, open } = breakersOf();
  const breaker = breakers.of("a");
  await expect(breaker.run(silent, refusal)).rejects.toThrow("closed");
  const answer = defer<string>();
  const slow = breaker.run(() => answer.promise, refusal);
  await open("a");
  answer.resolve("answer");
  expect(await slow).toBe("answer");
  expect(breaker.isCalm).toBe(false);
  await expect(breaker.run(async () => "answer", refusal)).rejects.toThrow("refused");
  await setTimeout(500); // the first wait is shorter than that
  expect(await breaker.run(async () => "answer", refusal)).toBe("answer");
  expect([breaker.isCalm, breakers.silent, events]).toEqual([true, [], ["opened a", "closed a"]]);
});

test("an answer that arrives while the fifth silence is being counted does not hide that it opened", async () => {
  const { breakers, events } = breakersOf();
  const breaker = breakers.of("a");
  const lost = new Error("Connection is closed.");
  for (let calls = 0; calls < 4; calls += 1) await breaker.failed(lost);
  const counted = breaker.failed(lost);
  breaker.answered();
  await counted;
  expect(events).toEqual(["opened a"]);
  expect(breaker.isCalm).toBe(false);
});

test("what became of calls that began before a new connection says nothing of the server", async () => {
  const { breakers, events, open } = breakersOf();
  const old = breakers.of("a");
  breakers.reset();
  expect(breakers.of("a")).not.toBe(old);
  for (let calls = 0; calls < 5; calls += 1) await old.failed(new Error("Connection is closed."));
  expect([breakers.silent, events], "their silence").toEqual([[], []]);
  await open("a");
  await setTimeout(500); // the first wait is shorter than that
  expect(await old.run(async () => "answer", refusal)).toBe("answer");
  expect([breakers.silent, events], "their answer").toEqual([["a"], ["opened a"]]);
});
