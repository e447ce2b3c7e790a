import { linkKey, namespaceKey } from "@podlink/types";
import { expect, test } from "vitest";
import { CheckedConnection } from "../../src/connection/checked-connection.ts";
import type { Connection } from "../../src/connection/ports.ts";

const script = { name: "any", source: "return 1", sha: "0" };

/** What was checked, and what was sent after that. */
function connectionOf(known: readonly string[] = []) {
  const done: string[] = [];
  const inner = { run: async (_: unknown, keys: readonly string[]) => done.push(`sent ${keys.length}`) };
  const connection = new CheckedConnection(inner as unknown as Connection, {
    isChecked: (namespace) => known.includes(namespace),
    check: async (namespace) => void done.push(namespace),
  });
  return { connection, done };
}

const keysOf = (...namespaces: string[]): string[] =>
  namespaces.map((namespace, position) => linkKey("pl", namespace, `u${position}`, 64));

test("each namespace of a call's keys is checked once, before it is sent", async () => {
  const { connection, done } = connectionOf();
  const keys = [...keysOf("prod", "prod", "prod-2", "prod", "pro", "prod-2"), namespaceKey("pl", "prod-3", "tags")];
  await connection.run(script, keys, []);
  expect(done.slice(0, -1).toSorted()).toEqual(["pro", "prod", "prod-2", "prod-3"]);
  expect(done.at(-1)).toBe("sent 7");
});

test("one that is known is not checked again, whatever it begins like", async () => {
  const { connection, done } = connectionOf(["prod"]);
  await connection.run(script, keysOf("prod", "prod-2", "prod"), []);
  expect(done).toEqual(["prod-2", "sent 3"]);
});

test("nor is one taken for the one of the call before, nor is one that was forgotten taken for checked", async () => {
  const known = ["prod"];
  const { connection, done } = connectionOf(known);
  await connection.run(script, keysOf("prod"), []);
  await connection.run(script, keysOf("prod-2"), []);
  await connection.run(script, keysOf("prod"), []);
  known.pop();
  await connection.run(script, keysOf("prod"), []);
  expect(done).toEqual(["sent 1", "prod-2", "sent 1", "sent 1", "prod", "sent 1"]);
});

test("who says the namespace of all keys has that checked, each time until it is", async () => {
  const known: string[] = [];
  const { connection, done } = connectionOf(known);
  await connection.run(script, keysOf("prod", "prod"), [], { namespace: "prod" });
  known.push("prod");
  await connection.run(script, keysOf("prod"), [], { namespace: "prod" });
  await connection.run(script, keysOf("prod-2"), [], { namespace: "prod-2" });
  expect(done).toEqual(["prod", "sent 2", "sent 1", "prod-2", "sent 1"]);
});
