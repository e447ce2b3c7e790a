import { expect, test } from "vitest";
import type { AppOptions, SupervisorOptions } from "../../src/index.ts";
import { Supervisor } from "../../src/index.ts";

const good: AppOptions = { name: "a", command: ["sleep", "1000"] };

test.each<[object, string]>([
  [{ name: "../a" }, 'app.name must be 1 to 64 of A-Z a-z 0-9 . _ -; got "../a"'],
  [{ name: "" }, 'app.name must be 1 to 64 of A-Z a-z 0-9 . _ -; got ""'],
  [{ comand: [] }, "comand"],
  [{ node: { script: "x" } }, "app must be given one of command and node"],
  [{ command: undefined }, "app must be given one of command and node"],
  [{ command: [] }, "app.command must be a program and its arguments, all texts"],
  [{ command: ["sleep", 1] }, "app.command must be a program and its arguments, all texts"],
  [{ command: undefined, node: { script: "x", argv: [] } }, "argv"],
  [{ env: { PORT: 1 } }, "app.env.PORT must be a text, or undefined; got 1"],
  [{ readyWithinMs: 0 }, "app.readyWithinMs must be a number of milliseconds from 1 to 2147483647; got 0"],
  [{ stopWithinMs: Infinity }, "app.stopWithinMs must be a number of milliseconds from 0 to 2147483647"],
  [{ ready: "yes" }, 'app.ready must be a function, "message" or an object; got "yes"'],
  [{ ready: { url: "localhost:80" } }, 'app.ready.url must be an http(s) URL; got "localhost:80"'],
  [{ ready: { port: 0 } }, "app.ready.port must be a port, 1 to 65535; got 0"],
  [{ ready: { output: "ready" } }, 'app.ready.output must be a regular expression; got "ready"'],
  [{ ready: { path: "/" } }, "app.ready must be one of { url }, { port, host }, { output }"],
  [{ ready: { port: 80, url: "http://a" } }, "app.ready must be one of { url }, { port, host }, { output }"],
])("%j is refused, and nothing is started", async (bad, message) => {
  await using supervisor = new Supervisor();
  await expect(supervisor.start({ ...good, ...bad })).rejects.toThrow(message);
  expect(supervisor.apps).toEqual([]);
  expect(supervisor.record).toEqual([]);
});

test("a supervisor refuses what it does not know", () => {
  expect(() => new Supervisor({ logs: "/tmp" } as SupervisorOptions)).toThrow("logs");
  expect(() => new Supervisor({ logDirectory: "" })).toThrow('supervisor.logDirectory must be a path; got ""');
});

test("waits are checked, and an app that is not there is said to be missing", async () => {
  await using supervisor = new Supervisor();
  const it = await supervisor.start(good);
  await expect(it.terminate({ withinMs: -1 })).rejects.toThrow("withinMs must be");
  await expect(it.says(/x/, { withinMs: NaN })).rejects.toThrow("withinMs must be");
  await expect(it.restart({ env: { A: 1 } as unknown as Record<string, string> })).rejects.toThrow("app.env.A must be");
  expect(it.state).toBe("ready");
  expect(() => supervisor.app("b")).toThrow("there is no b; there are a");
});
