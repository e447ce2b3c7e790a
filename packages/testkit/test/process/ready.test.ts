import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ReadyCheck } from "../../src/index.ts";
import { freePort, Supervisor } from "../../src/index.ts";
import { app, runs } from "./fixtures.ts";

const bodyOf = async (url: string | undefined): Promise<string> => (await fetch(url ?? "nowhere")).text();

describe("a program is ready when", () => {
  test("its output says where it listens", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a", { ready: { output: /listening at (?<url>http:\S+)/g } }));
    expect(it.state).toBe("ready");
    expect(await bodyOf(it.url)).toBe(String(it.pid));
  });

  test("its url answers 2xx, and not while it answers 503", async () => {
    await using supervisor = new Supervisor();
    const port = await freePort();
    const ready = { url: `http://127.0.0.1:${port}/health` };
    const it = supervisor.launch(app("a", { ready, env: { PORT: String(port), READY_AFTER_MS: "400" } }));
    await it.says(/listening/);
    expect((await fetch(ready.url)).status).toBe(503);
    expect(it.state).toBe("starting");
    expect(it.url).toBeUndefined();
    await it.whenReady();
    expect(it.url).toBe(`http://127.0.0.1:${port}`);
    expect((await fetch(ready.url)).status).toBe(200);
  });

  test("its port accepts connections", async () => {
    await using supervisor = new Supervisor();
    const port = await freePort();
    await supervisor.start(app("a", { ready: { port }, env: { PORT: String(port), SILENT: "yes" } }));
    expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(200);
  });

  test("it has sent the message that a Node program sends its parent", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a", { ready: "message" }));
    expect(await bodyOf(it.url)).toBe(String(it.pid));
  });

  test("a function of the test says so, which is asked until then", async () => {
    await using supervisor = new Supervisor();
    const seen: number[] = [];
    const ready: ReadyCheck = async ({ pid, output }) => {
      seen.push(pid);
      if (seen.length === 1) throw new Error("not yet");
      return /listening at (\S+)/.exec(output())?.[1] ?? false;
    };
    const it = await supervisor.start(app("a", { ready }));
    expect(seen.length).toBeGreaterThan(1);
    expect(new Set(seen)).toEqual(new Set([it.pid]));
    expect(await bodyOf(it.url)).toBe(String(it.pid));
  });

  test("it runs, where nothing else was asked for", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start({ name: "sleep", command: ["sleep", "1000"] });
    expect(runs(it.pid)).toBe(true);
    expect(it.url).toBeUndefined();
  });
});

describe("a start that fails says why", () => {
  test("when the program ends: how, and the end of its output", async () => {
    await using supervisor = new Supervisor();
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const starting = supervisor.start(app("a", { env: { PORT: String(port) } }));
    await expect(starting).rejects.toThrow(/a ended before it was ready: exit code 3\. [^]*EADDRINUSE.*127\.0\.0\.1/);
    expect(supervisor.app("a").state).toBe("ended");
  });

  test("when it takes too long: what was waited for; and it is killed", async () => {
    await using supervisor = new Supervisor();
    const it = supervisor.launch(app("a", { ready: { output: /ready/ }, readyWithinMs: 1500 }));
    await expect(it.whenReady()).rejects.toThrow(
      /a was not ready within 1500 ms: it has not written \/ready\/\. [^]*listening at http/,
    );
    expect(it.state).toBe("ended");
    expect(await it.whenEnded()).toMatchObject({ signal: "SIGKILL", wasAsked: true });
    expect(runs(it.pid)).toBe(false);
  });

  test.each<[string, ReadyCheck, RegExp]>([
    ["a url that answers 404", { url: "" }, /answers 404/],
    ["a port that nobody listens on", { port: 1 }, /ECONNREFUSED/],
    ["no message", "message", /it has sent no message/],
    ["a function that says no", async () => false, /its check says no/],
    ["a function that throws", () => Promise.reject(new Error("the cache is cold")), /the cache is cold/],
    ["a function that never answers", () => new Promise(() => undefined), /there is no answer/],
  ])("%s", async (_, check, why) => {
    await using supervisor = new Supervisor();
    const lost = createServer((_request, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
    onTestFinished(() => void lost.close());
    await once(lost, "listening");
    const url = `http://127.0.0.1:${(lost.address() as AddressInfo).port}/`;
    const ready = typeof check === "object" && "url" in check ? { url } : check;
    const starting = supervisor.start({ name: "sleep", command: ["sleep", "1000"], ready, readyWithinMs: 200 });
    await expect(starting).rejects.toThrow(why);
  });

  test.each([
    ["no such program", { command: ["podlink-no-such-program"] }, /exit code 127\. [^]*not found/],
    ["no such directory", { command: ["sleep", "1"], cwd: "/podlink/no/such" }, /ENOENT/],
  ])("%s", async (_, options, why) => {
    await using supervisor = new Supervisor();
    await expect(supervisor.start({ name: "a", ready: { output: /ready/ }, ...options })).rejects.toThrow(why);
    await supervisor.app("a").kill();
  });
});
