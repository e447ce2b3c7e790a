import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { absolute } from "../../scripts/workspace.mjs";

const run = (env: NodeJS.ProcessEnv) =>
  spawnSync(process.execPath, [absolute("scripts/redis-tools.mjs")], { env, encoding: "utf8" });

test("npm test says which redis-server its tests use", () => {
  const { status, stdout } = run(process.env);
  expect(stdout).toMatch(/^redis-server \d+\.\S+: \/.*redis-server\n$/);
  expect(status).toBe(0);
});

test("a REDIS_SERVER that is none is refused, and what to do is said", () => {
  const { status, stderr } = run({ ...process.env, REDIS_SERVER: "/bin/true" });
  expect(stderr).toContain("REDIS_SERVER names /bin/true, which is no redis-server of 7.0 or newer.");
  expect(stderr).toContain("set REDIS_SERVER to the path of a redis-server");
  expect(status).toBe(1);
});
