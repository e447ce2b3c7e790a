import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findRedisServer } from "../../src/redis/find-redis-server.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "podlink-find-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Something that says it is a redis-server. */
function program(path: string, says = "Redis server v=7.0.15 sha=0"): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "${says}"\n`);
  chmodSync(file, 0o755);
  return file;
}

describe("the redis-server is", () => {
  test("the one that REDIS_SERVER names, before any other", () => {
    const named = program("named/redis-7");
    program("bin/redis-server");
    expect(findRedisServer({ REDIS_SERVER: named, PATH: join(folder, "bin") }, folder)).toBe(named);
  });

  test("then the first in PATH that is new enough", () => {
    program("old/redis-server", "Redis server v=6.2.7 sha=0");
    program("broken/redis-server", "Segmentation fault");
    const good = program("good/redis-server", "Redis server v=8.0.2 sha=0");
    program(".tools/redis/redis-server");
    const PATH = ["none", "old", "broken", "good"].map((name) => join(folder, name)).join(":");
    expect(findRedisServer({ PATH }, folder)).toBe(good);
  });

  test("then the nearest in .tools, here or above", () => {
    const near = program("a/.tools/redis/redis-server");
    program(".tools/redis/redis-server");
    expect(findRedisServer({}, join(folder, "a", "b", "c"))).toBe(near);
  });
});

test("one that REDIS_SERVER names and that won't do is not passed over", () => {
  program(".tools/redis/redis-server");
  const old = program("old", "Redis server v=6.0.16 sha=0");
  expect(() => findRedisServer({ REDIS_SERVER: old }, folder)).toThrow(`REDIS_SERVER names ${old}`);
  expect(() => findRedisServer({ REDIS_SERVER: "/nowhere" }, folder)).toThrow("REDIS_SERVER names /nowhere");
});

test("without any, the error says what to do", () => {
  expect(() => findRedisServer({ PATH: folder }, folder)).toThrow(/install Redis, or set REDIS_SERVER/);
});
