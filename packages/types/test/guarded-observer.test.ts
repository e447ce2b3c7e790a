import type { LogFields } from "../src/index.ts";
import { guardedObserver, silentLogger } from "../src/index.ts";
import { expect, test } from "vitest";

const operation = { name: "resolve", namespace: "prod", service: "room" } as const;
const event = { kind: "fenced", because: "lease-over", namespace: "prod", service: "room", podIndex: 0 } as const;

test("an observer that throws is logged and harms nobody", () => {
  const errors: LogFields[] = [];
  const fail = (): never => {
    throw new Error("broken");
  };
  const guarded = guardedObserver(
    { start: () => ({ end: fail }), event: fail },
    { ...silentLogger, error: (fields) => void errors.push(fields) },
  );
  guarded?.start(operation)?.end();
  guarded?.event(event);
  expect(guardedObserver({ start: fail, event: fail }, silentLogger)?.start(operation)).toBeUndefined();
  expect(errors).toEqual([{ error: "broken" }, { error: "broken" }]);
});

test("what the observer says and is told passes unchanged", () => {
  const seen: unknown[] = [];
  const guarded = guardedObserver(
    { start: (started) => ({ end: (error) => void seen.push(started, error) }), event: (told) => void seen.push(told) },
    silentLogger,
  );
  guarded?.start(operation)?.end("why");
  guarded?.event(event);
  expect(seen).toEqual([operation, "why", event]);
  expect(guardedObserver({ start: () => undefined, event: () => undefined }, silentLogger)?.start(operation)).toBe(
    undefined,
  );
});

test("no observer stays no observer", () => {
  expect(guardedObserver(undefined, silentLogger)).toBeUndefined();
});
