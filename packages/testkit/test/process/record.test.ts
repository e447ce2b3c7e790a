import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { UnexpectedEnd } from "../../src/index.ts";
import { expectNothingLeftOpen, Supervisor } from "../../src/index.ts";
import { app, runs } from "./fixtures.ts";

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "podlink-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, "logs", "run");
}

test("the record says what was done to whom, when, in which life; outages say from when to when", async () => {
  await using supervisor = new Supervisor();
  const fromMs = performance.now();
  const it = await supervisor.start(app("room-3"));
  const { pid: first, url } = it;
  it.pause();
  it.resume();
  await it.kill();
  await it.restart();
  it.pause();
  const acts = supervisor.record;
  expect(acts.map(({ life, what, detail, pid }) => [life, what, detail, pid])).toEqual([
    [1, "start", undefined, first],
    [1, "ready", url, first],
    [1, "SIGSTOP", undefined, first],
    [1, "SIGCONT", undefined, first],
    [1, "SIGKILL", undefined, first],
    [1, "end", "SIGKILL", first],
    [2, "start", undefined, it.pid],
    [2, "ready", it.url, it.pid],
    [2, "SIGSTOP", undefined, it.pid],
  ]);
  const times = acts.map(({ atMs }) => atMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBeGreaterThan(fromMs);
  expect(times.at(-1)).toBeLessThan(performance.now());
  expect(supervisor.outages()).toEqual([
    { name: "room-3", kind: "paused", fromMs: times[2], toMs: times[3] },
    { name: "room-3", kind: "down", fromMs: times[5], toMs: times[7], detail: "SIGKILL" },
    { name: "room-3", kind: "paused", fromMs: times[8] },
  ]);
  await it.kill();
  expect(supervisor.outages().map(({ kind, toMs }) => [kind, toMs !== undefined])).toEqual([
    ["paused", true],
    ["down", true],
    ["paused", true],
    ["down", false],
  ]);
});

test("an end that nobody here asked for is told, once, and recorded as such", async () => {
  await using supervisor = new Supervisor();
  const told: UnexpectedEnd[] = [];
  supervisor.onUnexpectedEnd(() => {
    throw new Error("harms nobody");
  });
  const subscription = supervisor.onUnexpectedEnd((end) => told.push(end));
  const [dies, asked] = await Promise.all([
    supervisor.start(app("dies", { env: { DIES_AFTER_MS: "300" } })),
    supervisor.start(app("asked")),
  ]);
  dies.resume(); // a signal that asks nobody to end
  const ending = await dies.whenEnded();
  expect(ending).toMatchObject({ code: 9, wasAsked: false });
  await asked.terminate();
  expect(told).toEqual([{ app: dies, ending }]);
  expect(supervisor.record.filter(({ what }) => what === "end").map(({ detail }) => detail)).toEqual([
    "exit code 9, unasked",
    "exit code 7",
  ]);
  subscription.close();
  await dies.restart();
  await dies.whenEnded();
  expect(told).toHaveLength(1);
});

describe("logs", () => {
  test("have the output of every life, each marked", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    const first = it.url;
    await it.kill();
    await it.restart();
    expect(it.log().split("\n")).toEqual([
      expect.stringMatching(/^=== life 1 of a, 20\S+Z ===$/),
      `listening at ${first}`,
      "=== life 1 of a ended: SIGKILL ===",
      expect.stringMatching(/^=== life 2 of a, 20\S+Z ===$/),
      `listening at ${it.url}`,
      "",
    ]);
  });

  test("of a life that is over tell nothing of the next one", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    await it.kill();
    supervisor.launch(app("a", { env: { SILENT: "yes" } }));
    await expect(it.says(/listening/, { withinMs: 300 })).rejects.toThrow("has not written /listening/ within 300 ms");
    expect(it.state).toBe("starting");
    await it.kill();
    await expect(it.whenReady()).rejects.toThrow("a ended before it was ready: SIGKILL. It wrote nothing.");
    await expect(it.says(/listening/)).rejects.toThrow("before it ended");
  });

  test("are kept where they were asked for, with the record", async () => {
    const logDirectory = folder();
    {
      await using supervisor = new Supervisor({ logDirectory });
      await supervisor.start(app("a"));
    }
    expect(readFileSync(join(logDirectory, "a.log"), "utf8")).toMatch(/listening at [^]*life 1 of a ended: SIGKILL/);
    const lines = readFileSync(join(logDirectory, "record.jsonl"), "utf8").trim().split("\n");
    const acts = lines.map((line) => JSON.parse(line) as { name: string; what: string });
    expect(acts.map(({ what }) => what)).toEqual(["start", "ready", "SIGKILL", "end"]);
    await using another = new Supervisor({ logDirectory });
    await another.start(app("a"));
    expect(
      another
        .app("a")
        .log()
        .match(/=== life 1 of a,/g),
    ).toHaveLength(2);
  });

  test("are removed at the end where nobody asked for them", async () => {
    const supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    expect(existsSync(it.logFile)).toBe(true);
    await supervisor.end();
    expect(existsSync(supervisor.logDirectory)).toBe(false);
  });
});

test("a supervisor that has ended leaves nothing open, no process, and no promise unsettled", async () => {
  const pids = await expectNothingLeftOpen(async () => {
    const supervisor = new Supervisor();
    await supervisor.start(app("ready"));
    await supervisor.start(app("message", { ready: "message" }));
    (await supervisor.start(app("stopped"))).pause();
    const starting = supervisor.launch(app("starting", { ready: { port: 1 } }));
    const ended = supervisor.apps.map((it) => it.whenEnded());
    const said = starting.says(/never/).catch(() => "never");
    await Promise.all([supervisor.end(), supervisor.end()]);
    await expect(starting.whenReady()).rejects.toThrow("starting ended before it was ready: SIGKILL");
    expect((await Promise.all(ended)).map(({ signal }) => signal)).toEqual(ended.map(() => "SIGKILL"));
    expect(await said).toBe("never");
    return supervisor.apps.map(({ pid }) => pid);
  });
  expect(pids.filter(runs)).toEqual([]);
});
