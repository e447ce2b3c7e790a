import { expect, test } from "vitest";
import { recordingLogger, recordingObserver } from "../src/index.ts";

test("a recording logger keeps every entry with its level", () => {
  const logger = recordingLogger();
  logger.debug({ a: 1 }, "one");
  logger.info({}, "two");
  logger.warn({}, "three");
  logger.error({ b: 2 }, "four");
  expect(logger.entries.map((entry) => entry.level)).toEqual(["debug", "info", "warn", "error"]);
  expect(logger.of("error")).toEqual([{ level: "error", fields: { b: 2 }, message: "four" }]);
});

test("a recording observer keeps events and how often each scope was ended, with its error", () => {
  const observer = recordingObserver();
  const name = { namespace: "prod", service: "room" };
  observer.event({ kind: "fenced", because: "lease-over", ...name, podIndex: 0 });
  observer.event({ kind: "panic", active: true, ...name });
  const first = observer.start({ name: "resolve", ...name });
  const second = observer.start({ name: "claim", ...name });
  first?.end();
  second?.end(new Error("x"));
  second?.end();
  expect(observer.events).toHaveLength(2);
  expect(observer.eventsOf("panic")).toMatchObject([{ active: true }]);
  expect(observer.scopes).toMatchObject([
    { operation: { name: "resolve" }, ends: 1 },
    { ends: 2, error: { message: "x" } },
  ]);
  expect(observer.scopes[0]).not.toHaveProperty("error");
});
