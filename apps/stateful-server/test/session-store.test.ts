import { expect, test } from "vitest";
import { MemorySessionStore, sharedMemorySessionStore } from "../src/memory-session-store.ts";
import { sessionStoreContract } from "./session-store-contract.ts";

sessionStoreContract("memory", () => new MemorySessionStore());

test("the rooms of a process share one session store", () => {
  expect(sharedMemorySessionStore()).toBe(sharedMemorySessionStore());
});
