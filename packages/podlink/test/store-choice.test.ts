import { MemoryExecutor, sharedMemoryExecutor } from "@podlink/memory-executor";
import { recordingLogger } from "@podlink/testkit";
import { expect, it } from "vitest";
import { chooseStore } from "../src/store.ts";

it("no store: the process' shared one, with a warning that says so", () => {
  const logger = recordingLogger();
  expect(chooseStore({}, { logger, environment: {} }).store).toBe(sharedMemoryExecutor());
  expect(logger.entries).toMatchObject([{ level: "warn", fields: { code: "PODLINK_EMBEDDED_STORE" } }]);
});

it("no store in production is refused, and the message says what to write", () => {
  const logger = recordingLogger();
  expect(() => chooseStore({}, { logger, environment: { NODE_ENV: "production" } })).toThrow(
    expect.objectContaining({
      code: "CONFIG",
      message: expect.stringContaining('store: "embedded"') as string,
    }) as Error,
  );
});

it('"embedded" written out is taken at its word, in production too', () => {
  const logger = recordingLogger();
  expect(chooseStore({ store: "embedded" }, { logger, environment: { NODE_ENV: "production" } }).store).toBe(
    sharedMemoryExecutor(),
  );
  expect(logger.entries).toEqual([]);
});

it("a store that was given is used as it is", () => {
  const store = new MemoryExecutor();
  expect(chooseStore({ store }, { logger: recordingLogger() }).store).toBe(store);
});

it("a store that was given is not closed by whoever was given it", async () => {
  const store = new MemoryExecutor();
  await chooseStore({ store }, { logger: recordingLogger() }).close();
  await expect(store.readPods("test", "room")).resolves.toMatchObject({ rows: [] });
});
