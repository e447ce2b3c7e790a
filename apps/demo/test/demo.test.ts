import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { startDemo } from "../src/demo.ts";
import { parseDemoOptions } from "../src/options.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The demo as its own process. */
class Process {
  output = "";
  #closed = false;
  readonly child: ChildProcess;

  constructor(environment: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, ["--import", "tsx", "-C", "@podlink/source", main], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.once("close", () => (this.#closed = true));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (text: Buffer) => (this.output += text.toString()));
    }
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (let turn = 0; turn < 1000; turn += 1) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`never said ${String(pattern)}:\n${this.output}`);
  }

  async ended(): Promise<number | null> {
    if (!this.#closed) await once(this.child, "close"); // not "exit": what it said last may still be on its way
    return this.child.exitCode;
  }
}

const running: Process[] = [];
const start = (environment: Readonly<Record<string, string>>): Process => {
  const demo = new Process(environment);
  running.push(demo);
  return demo;
};
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
});

describe("npm start", () => {
  it("serves increments from one pod, says which curl lines to try, and ends drained within 5 s of Ctrl-C", async () => {
    const demo = start({ PORT: "0" });
    const [, url = ""] = await demo.says(/gateway +(http:\/\/localhost:\d+)/);
    await demo.says(/room-0 .*\n.*room-1 .*\n.*room-2 /);
    await demo.says(/curl -X POST http:\/\/localhost:\d+\/s\/room\/u\/alice\/incr/);
    const pods = new Set<string | null>();
    for (let count = 1; count <= 5; count += 1) {
      const response = await fetch(`${url}/s/room/u/alice/incr`, { method: "POST" });
      expect(await response.json()).toMatchObject({ uid: "alice", count });
      pods.add(response.headers.get("podlink-pod"));
    }
    expect(pods.size).toBe(1);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const asked = performance.now();
    demo.child.kill("SIGINT");
    expect(await demo.ended()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5000);
    expect(demo.output).toContain("Ended.");
  });

  it("a second Ctrl-C hurries", async () => {
    const demo = start({ PORT: "0", PODS: "1" });
    await demo.says(/Ctrl-C drains/);
    demo.child.kill("SIGINT");
    await demo.says(/Draining/);
    demo.child.kill("SIGINT");
    expect(await demo.ended()).toBe(0);
  });

  it.each([
    [{ PORT: "http" }, /demo\.port: must be a whole number.*\(got "http"\)/],
    [{ PORT: "70000" }, /demo\.port: must be at most 65535/],
    [{ PODS: "0" }, /demo\.pods: must be at least 1/],
  ])("%j is refused with the field, the value and the rule", async (environment, message) => {
    const demo = start(environment);
    expect(await demo.ended()).toBe(1);
    expect(demo.output).toMatch(message);
  });

  it("a port that is taken is said, and nothing stays", async () => {
    const first = await startDemo(parseDemoOptions({ port: 0, pods: 1 }));
    const demo = start({ PORT: String(first.gateway.port) });
    expect(await demo.ended()).toBe(1);
    expect(demo.output).toContain("EADDRINUSE");
    await first.stop();
  });
});
