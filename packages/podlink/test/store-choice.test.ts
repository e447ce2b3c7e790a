import { MemoryExecutor, sharedMemoryExecutor } from "@podlink/memory-executor";
import { recordingLogger } from "@podlink/testkit";
import { expect, it } from "vitest";
import { chooseStore } from "../src/store.ts";

it("no store: the process' shared one, with a warning that says so", () => {
  const logger = recordingLogger();
  expect(chooseStore(undefined, { logger, environment: {} })).toBe(sharedMemoryExecutor());
  expect(logger.entries).toMatchObject([{ level: "warn", fields: { code: "PODLINK_EMBEDDED_STORE" } }]);
});

it("no store in production is refused, and the message says what to write", () => {
  const logger = recordingLogger();
  expect(() => chooseStore(undefined, { logger, environment: { NODE_ENV: "production" } })).toThrow(
    expect.objectContaining({
      code: "CONFIG",
      message: expect.stringContaining('store: "embedded"') as string,
    }) as Error,
  );
});

it('"embedded" written out is taken at its word, in production too', () => {
  const logger = recordingLogger();
  expect(chooseStore("embedded", { logger, environment: { NODE_ENV: "production" } })).toBe(sharedMemoryExecutor());
  expect(logger.entries).toEqual([]);
});

it("a store that was given is used as it is", () => {
  const store = new MemoryExecutor();
  expect(chooseStore(store, { logger: recordingLogger() })).toBe(store);
});
