import { RouteError, systemClock } from "@podlink/types";
import { expect, test } from "vitest";
import { Breakers } from "../../src/connection/breaker.ts";
import type { Line } from "../../src/connection/calls.ts";
import { Calls } from "../../src/connection/calls.ts";
import type { TrackedCommand } from "../../src/connection/tracked-command.ts";
import { TimerWheel } from "../../src/timer-wheel.ts";
import { failureOf } from "../support/connections.ts";

const nothing = (): void => undefined;
const request = { name: "get", args: ["k"], script: undefined, timeoutMs: 200 };

/** Calls of a Cluster whose node answers as the line says. */
function callsOf() {
  let looks = 0;
  const calls = new Calls({
    wheel: new TimerWheel(systemClock),
    breakers: new Breakers({ opened: nothing, closed: nothing }),
    whenReady: () => undefined,
    unavailable: () => new RouteError("STORE_UNAVAILABLE", "no connection", { outcome: "not-applied" }),
    lookAgain: () => void (looks += 1),
  });
  return { calls, looks: () => looks };
}

test("in a Cluster what was never sent is tried again, after another look where its slot is", async () => {
  const { calls, looks } = callsOf();
  let tries = 0;
  const line: Line = {
    send: (_, receiver) => {
      tries += 1;
      if (tries < 3) receiver.failed(new Error("Connection is closed."));
      else receiver.answered("answer");
    },
  };
  expect(await calls.call(request, line, "a")).toBe("answer");
  expect([tries, looks()]).toEqual([3, 2]);
});

test("until its deadline, and not applied then", async () => {
  const { calls } = callsOf();
  const line: Line = { send: (_, receiver) => receiver.failed(new Error("Connection is closed.")) };
  const begunAtMs = performance.now();
  const { error } = await failureOf(() => calls.call(request, line, "a"));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
  expect(performance.now() - begunAtMs).toBeGreaterThanOrEqual(199);
  expect(calls.underWay).toBe(0);
});

test("what may have been executed is not tried again", async () => {
  const { calls, looks } = callsOf();
  const line: Line = {
    send: (command, receiver) => {
      command.toWritable({});
      receiver.failed(new Error("Connection is closed."));
    },
  };
  const { error } = await failureOf(() => calls.call(request, line, "a"));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "unknown" });
  expect(looks()).toBe(0);
});

test("an answer after the deadline changes nothing", async () => {
  const { calls } = callsOf();
  let answer: (reply: string) => void = nothing;
  const line: Line = {
    send: (command, receiver) => {
      command.toWritable({});
      answer = (reply) => receiver.answered(reply);
    },
  };
  const { error } = await failureOf(() => calls.call(request, line, "a"));
  expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  answer("late");
});

test("a server that answers each call too late counts as silent", async () => {
  const { calls } = callsOf();
  const answers: (() => void)[] = [];
  const line: Line = {
    send: (command, receiver) => {
      command.toWritable({});
      answers.push(() => receiver.answered("late"));
    },
  };
  const late = { ...request, timeoutMs: 20 };
  for (let call = 0; call < 5; call += 1) {
    await expect(calls.call(late, line, "a")).rejects.toMatchObject({ code: "TIMEOUT" });
    answers[call]?.();
  }
  await expect(calls.call(late, line, "a")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(answers, "the next one is refused at once").toHaveLength(5);
});

test("a command that was answered keeps nothing of what it carried", async () => {
  const { calls } = callsOf();
  const sent: TrackedCommand[] = [];
  const line: Line = {
    send: (command, receiver) => {
      sent.push(command);
      receiver.answered("answer");
    },
  };
  let asked = 0;
  const writing = { begin: () => (asked += 1) > 0, refused: nothing };
  expect(await calls.call({ ...request, writing }, line, "a")).toBe("answer");
  expect(sent[0]?.args).toEqual([]);
  sent[0]?.toWritable({});
  expect(asked, "whoever followed it").toBe(0);
});

test("nor does one that was given up", async () => {
  const { calls } = callsOf();
  const sent: TrackedCommand[] = [];
  const line: Line = {
    send: (command, receiver) => {
      sent.push(command);
      command.toWritable({});
      command.promise.catch((error: unknown) => receiver.failed(error));
    },
  };
  const refusals: boolean[] = [];
  const writing = { begin: () => true, refused: (areKeysApart: boolean) => void refusals.push(areKeysApart) };
  const { error } = await failureOf(() => calls.call({ ...request, writing }, line, "a"));
  expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  sent[0]?.reject(Object.assign(new Error("MOVED 1 127.0.0.1:7000"), { name: "ReplyError" }));
  expect(refusals, "the operations it carried may be on the wire again by now").toEqual([]);
});

test("a message that is to leave first: Redis owes its publisher an answer before it has the message to pass on", async () => {
  const { calls } = callsOf();
  const sent: string[] = [];
  const line: Line = {
    send: (command, receiver) => {
      sent.push(command.name);
      if (command.name === "ping") receiver.failed(new Error("Connection is closed."));
      else receiver.answered("answer");
    },
  };
  expect(await calls.call({ ...request, messageFirst: true }, line, "a"), "whatever becomes of the other").toBe(
    "answer",
  );
  expect(sent).toEqual(["ping", "get"]);
  expect(calls.sent, "of those that were asked for").toBe(1);
});
