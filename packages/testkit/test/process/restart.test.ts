import { describe, expect, test } from "vitest";
import { freePort, Supervisor } from "../../src/index.ts";
import { app, runs } from "./fixtures.ts";

const environmentAt = async (url: string | undefined): Promise<Record<string, string>> =>
  (await (await fetch(`${url}/env`)).json()) as Record<string, string>;

describe("an app", () => {
  test("restarted is another process with the same name, environment and port", async () => {
    await using supervisor = new Supervisor();
    const env = { PORT: String(await freePort()), POD_INDEX: "3" };
    const it = await supervisor.start(app("room-3", { env }));
    const { pid, url } = it;
    await it.kill();
    await it.restart();
    expect(it).toMatchObject({ name: "room-3", state: "ready", starts: 2, url });
    expect(it.pid).not.toBe(pid);
    expect(await environmentAt(it.url)).toMatchObject(env);
    expect(supervisor.apps).toEqual([it]);
  });

  test("that runs is terminated before it is started again", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    const { pid } = it;
    const ending = it.whenEnded();
    await it.restart();
    expect(await ending).toMatchObject({ code: 7, wasAsked: true });
    expect(runs(pid)).toBe(false);
    expect(it.starts).toBe(2);
  });

  test("keeps variables that a restart gave it, until another takes them away", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a", { env: { FIRST: "1", HOME: undefined } }));
    await it.restart({ env: { SECOND: "2" } });
    await it.restart();
    const kept = await environmentAt(it.url);
    expect(kept).toMatchObject({ FIRST: "1", SECOND: "2" });
    expect(kept["HOME"]).toBeUndefined();
    await it.restart({ env: { SECOND: undefined } });
    expect((await environmentAt(it.url))["SECOND"]).toBeUndefined();
  });

  test("gets variables whose names a shell would drop", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a", { env: { "spring.port": "1 2", "a-b": "x=y", PLAIN: "'$HOME'" } }));
    expect(await environmentAt(it.url)).toMatchObject({ "spring.port": "1 2", "a-b": "x=y", PLAIN: "'$HOME'" });
  });

  test("whose restart fails says why, and can be restarted", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    await expect(it.restart({ env: { PORT: "1000000" } })).rejects.toThrow(/a ended before it was ready: exit code 1/);
    expect(it.state).toBe("ended");
    await it.restart({ env: { PORT: "0" } });
    expect(it).toMatchObject({ state: "ready", starts: 3 });
  });

  test("that runs keeps its name for itself; one that has ended goes on under it", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("room-4"));
    await expect(supervisor.start(app("room-4"))).rejects.toThrow(`room-4 runs already, as ${it.pid}`);
    await it.terminate();
    expect(await supervisor.start(app("room-4", { env: { AGAIN: "yes" } }))).toBe(it);
    expect(it.starts).toBe(2);
    expect(await environmentAt(it.url)).toMatchObject({ AGAIN: "yes" });
  });

  test("is not started again once the supervisor has ended", async () => {
    const supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    await supervisor.end();
    await expect(it.restart()).rejects.toThrow("the supervisor has ended");
    await expect(supervisor.start(app("b"))).rejects.toThrow("the supervisor has ended");
  });
});

test("many are started, restarted in turn and ended at once", async () => {
  await using supervisor = new Supervisor();
  const pods = await Promise.all([0, 1, 2, 3, 4].map((index) => supervisor.start(app(`room-${index}`))));
  for (const pod of pods) await pod.restart();
  expect(pods.map(({ state, starts }) => [state, starts])).toEqual(pods.map(() => ["ready", 2]));
  expect(new Set(pods.map(({ pid }) => pid)).size).toBe(5);
  await supervisor.end();
  expect(pods.filter(({ pid }) => runs(pid))).toEqual([]);
});
