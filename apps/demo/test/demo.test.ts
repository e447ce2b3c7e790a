import { Lateness } from "@podlink/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { startDemo } from "../src/demo.ts";
import { parseDemoOptions } from "../src/options.ts";
import { DemoProcess } from "./support/demo-process.ts";

const { start, endAll } = DemoProcess.several();
afterEach(endAll);

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
    using lateness = new Lateness();
    demo.signal("SIGINT");
    expect(await demo.ended()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5000 + lateness.totalMs);
    expect(demo.output).toContain("Ended.");
  });

  it("a second Ctrl-C hurries", async () => {
    const demo = start({ PORT: "0", PODS: "1" });
    await demo.says(/Ctrl-C drains/);
    demo.signal("SIGINT");
    await demo.says(/Draining/);
    demo.signal("SIGINT");
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
