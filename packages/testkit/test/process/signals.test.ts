import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Supervisor } from "../../src/index.ts";
import { app, runs } from "./fixtures.ts";

const TICKS = "setInterval(() => process.stdout.write('tick\\n'), 10)";

describe("a program", () => {
  test("killed is gone at once, and that it was asked is known", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    expect(await it.kill()).toMatchObject({ signal: "SIGKILL", wasAsked: true, wasOverdue: false });
    expect(it.state).toBe("ended");
    expect(runs(it.pid)).toBe(false);
    await expect(fetch(it.url ?? "")).rejects.toThrow();
  });

  test("paused answers nobody, keeps its connections, and goes on when resumed", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    it.pause();
    expect(it.state).toBe("stopped");
    const answer = fetch(it.url ?? "");
    expect(await Promise.race([answer, wait(200, "silence")])).toBe("silence");
    it.resume();
    expect(it.state).toBe("ready");
    expect((await answer).status).toBe(200);
  });

  test("paused as it begins does nothing until it is resumed", async () => {
    await using supervisor = new Supervisor();
    const it = supervisor.launch(app("a"));
    it.pause();
    it.resume();
    it.pause();
    await expect(it.says(/listening/, { withinMs: 500 })).rejects.toThrow("has not written");
    expect(it.state).toBe("stopped");
    it.resume();
    await it.whenReady();
    expect(it.state).toBe("ready");
  });

  test("terminated ends as it likes, and its exit code is known", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    const ending = await it.terminate();
    expect(ending).toMatchObject({ code: 7, wasAsked: true, wasOverdue: false });
    expect(ending.signal).toBeUndefined();
    expect(await it.whenEnded()).toBe(ending);
  });

  test("that does not end after SIGTERM is killed, and it is said", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a", { env: { IGNORES_TERM: "yes" }, stopWithinMs: 60_000 }));
    expect(await it.terminate({ withinMs: 100 })).toMatchObject({
      signal: "SIGKILL",
      wasAsked: true,
      wasOverdue: true,
    });
    expect(it.log()).toContain("not yet");
  });

  test("that is paused is killed when it is terminated or ended", async () => {
    await using supervisor = new Supervisor();
    const [one, two] = await Promise.all([
      supervisor.start(app("one", { stopWithinMs: 50 })),
      supervisor.start(app("two")),
    ]);
    for (const it of [one, two]) it.pause();
    expect(await one.terminate()).toMatchObject({ signal: "SIGKILL", wasOverdue: true });
    await supervisor.end();
    expect(runs(two.pid)).toBe(false);
  });

  test("hears any signal", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    it.signal("SIGUSR2");
    await it.says(/heard SIGUSR2/);
    it.signal("SIGINT");
    expect(await it.whenEnded()).toMatchObject({ signal: "SIGINT", wasAsked: true });
  });

  test("that has ended is told anything without an error", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start(app("a"));
    const ending = await it.kill();
    it.pause();
    it.resume();
    it.signal("SIGUSR2");
    expect(it.state).toBe("ended");
    expect([await it.kill(), await it.terminate(), await it.whenEnded()]).toEqual([ending, ending, ending]);
    expect(supervisor.record.at(-1)).toMatchObject({ what: "end" });
  });
});

describe("its children", () => {
  const withChild = async (
    supervisor: Supervisor,
  ): Promise<{ it: Awaited<ReturnType<Supervisor["start"]>>; child: number }> => {
    const it = await supervisor.start(app("a", { env: { CHILD: "yes" } }));
    const [, child] = await it.says(/child (\d+)/);
    expect(runs(Number(child))).toBe(true);
    return { it, child: Number(child) };
  };
  const gone = (pid: number): Promise<unknown> => expect.poll(() => runs(pid), { timeout: 20_000 }).toBe(false);

  test("die with it when it is killed", async () => {
    await using supervisor = new Supervisor();
    const { it, child } = await withChild(supervisor);
    await it.kill();
    await gone(child);
  });

  test("are killed when it has ended and left them behind", async () => {
    await using supervisor = new Supervisor();
    const { it, child } = await withChild(supervisor);
    expect(await it.terminate()).toMatchObject({ code: 7 });
    await gone(child);
  });

  test("are paused with it", async () => {
    await using supervisor = new Supervisor();
    const it = await supervisor.start({
      name: "wrapper",
      command: ["/bin/sh", "-c", `"$@"; echo over`, "sh", process.execPath, "-e", TICKS],
      ready: { output: /tick/ },
    });
    it.pause();
    const before = it.log();
    await wait(300); // it ticks every 10 ms, if at all
    expect(it.log()).toBe(before);
    it.resume();
    await expect.poll(() => it.log().length).toBeGreaterThan(before.length);
  });

  test("are killed when somebody else kills it", async () => {
    await using supervisor = new Supervisor();
    const { it, child } = await withChild(supervisor);
    process.kill(it.pid ?? 0, "SIGKILL");
    expect(await it.whenEnded()).toMatchObject({ signal: "SIGKILL", wasAsked: false });
    await gone(child);
  });
});
