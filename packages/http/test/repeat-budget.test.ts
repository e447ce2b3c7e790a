import { fakeClock } from "@podlink/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { RepeatBudget } from "../src/repeat-budget.ts";
import type { PodTarget } from "../src/index.ts";
import { linkTo } from "./support/table-route.ts";
import type { World } from "./support/world.ts";
import { errorOf, world } from "./support/world.ts";

let there: World | undefined;
afterEach(() => there?.close());

const target = (token: string, more: Partial<PodTarget> = {}): PodTarget => ({
  link: linkTo("alice", 0, token),
  podIndex: 0,
  incarnation: 1,
  address: { host: "127.0.0.1", httpPort: 3000 },
  ...more,
});

describe("a repeat after a 421", () => {
  test.each([
    ["a later link", target("101")],
    ["a later life of the pod", target("100", { incarnation: 2 })],
    ["another address of it", target("100", { address: { host: "127.0.0.1", httpPort: 3001 } })],
  ])("that taught %s costs nothing", (_what, next) => {
    const budget = new RepeatBudget({ repeatShare: 0, repeatsPerSecond: 0 }, fakeClock());
    for (let count = 0; count < 1000; count += 1) expect(budget.allows(target("100"), next)).toBe(true);
  });

  test.each([
    ["the same again", target("100")],
    ["an earlier link", target("99", { podIndex: 1 })],
    ["an earlier life", target("100", { incarnation: 0 })],
  ])("that taught only %s is a share of the requests", (_what, next) => {
    const budget = new RepeatBudget({ repeatShare: 0.1, repeatsPerSecond: 0 }, fakeClock());
    let allowed = 0;
    for (let count = 0; count < 5000; count += 1) {
      budget.earn();
      if (count % 2 === 0 && budget.allows(target("100"), next)) allowed += 1;
    }
    expect(allowed, "of those earned before the last one asked").toBe(499);
  });

  test("may come so often a second whatever the traffic, and what wasn't used is saved for ten", async () => {
    const clock = fakeClock();
    const budget = new RepeatBudget({ repeatShare: 0, repeatsPerSecond: 3 }, clock);
    const allowed = (): number => {
      let count = 0;
      while (budget.allows(target("100"), target("100"))) count += 1;
      return count;
    };
    expect(allowed()).toBe(30);
    expect(allowed()).toBe(0);
    await clock.advance(2000);
    expect(allowed()).toBe(6);
    await clock.advance(3_600_000);
    expect(allowed()).toBe(30);
  });
});

describe("through the proxy (fault row 66)", () => {
  test("a pod that refuses half of what it has makes no more repeats than a tenth of the requests", async () => {
    let asked = 0;
    there = await world({
      proxy: { repeatsPerSecond: 0 },
      handler: () => (_req, res) => {
        asked += 1;
        if (asked % 2 === 0) res.end("0");
        else res.writeHead(421).end();
      },
    });
    const requests = 200;
    for (let count = 0; count < requests; count += 1) {
      const response = await fetch(there.url("/u/alice/x"), { method: "POST", body: "x" });
      if (response.status === 200) {
        await response.text();
        continue;
      }
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await errorOf(response)).toMatchObject({ code: "POD_UNAVAILABLE", outcome: "not-applied" });
    }
    const { repeats = 0, repeatsRefused = 0 } = there.proxy.read();
    expect(repeats).toBeGreaterThan(0);
    expect(repeats).toBeLessThanOrEqual(requests / 10);
    expect(repeatsRefused).toBeGreaterThan(repeats);
    expect(asked, "nothing is sent beyond that").toBe(requests + repeats);
  });

  test("a move of all users at once is not held back, with no budget at all", async () => {
    there = await world({ proxy: { repeatShare: 0, repeatsPerSecond: 0 } });
    const uids = Array.from({ length: 100 }, (_, index) => `user-${index}`);
    for (const uid of uids) there.pods[0]?.pod.refuse(uid, { reason: "held-by", link: linkTo(uid, 1, "150") });
    for (const uid of uids) expect(await (await fetch(there.url(`/u/${uid}/x`))).text()).toBe("1");
    expect(there.proxy.read()).toMatchObject({ repeats: 100, repeatsRefused: 0 });
  });

  test.each([
    ["repeatShare", 1.1],
    ["repeatShare", -0.1],
    ["repeatsPerSecond", 0.5],
  ])("%s %f is refused", async (name, value) => {
    await expect(world({ proxy: { [name]: value } })).rejects.toThrow(`proxy.${name}`);
  });
});
