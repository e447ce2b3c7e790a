import { describe, expect, test } from "vitest";
import { linksOnRedis } from "./links-on-redis.ts";

const HOUR_MS = 3_600_000;
const at = (uid: string) => ({ namespace: "prod", service: "room", uid });
const operation = (kind: "set" | "setIfAbsent", uid: string) =>
  ({ kind, ...at(uid), owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } }) as const;
const KINDS = ["set", "setIfAbsent"] as const;

describe.each(KINDS)("%s", (kind) => {
  test("a store whose time steps back by more than a second is counted, and its tokens go on growing", async () => {
    let nowMs = Date.now() + 2 * HOUR_MS;
    await using on = await linksOnRedis({ nowMs: () => nowMs });
    const tokens: number[] = [];
    for (const stepMs of [0, -1000, -1001, 0, -HOUR_MS, 5]) {
      nowMs += stepMs;
      const result = await on.links.execute(operation(kind, `u${tokens.length}`));
      tokens.push(Number("link" in result && result.link.token));
    }
    expect(on.links.read()["clockBack"]).toBe(2);
    expect(tokens).toEqual(tokens.toSorted((one, other) => one - other));
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  test("a store whose time leaps ahead by more than a second is counted and logged once a minute", async () => {
    let nowMs = Date.now() + 2 * HOUR_MS;
    await using on = await linksOnRedis({ nowMs: () => nowMs });
    for (const stepMs of [0, 900, HOUR_MS, 5, HOUR_MS]) {
      nowMs += stepMs;
      await on.links.execute(operation(kind, "alice"));
    }
    expect(on.links.read()).toMatchObject({ clockAhead: 2, clockBack: 0 });
    const said = on.logger.entries.filter(({ message }) => /clock leapt ahead/.test(message ?? ""));
    expect(said).toMatchObject([{ level: "warn", fields: { count: 1 } }]);
  });

  test("a token floor may be a day ahead of the store's time, and not a microsecond more", async () => {
    const nowMs = Date.now() + HOUR_MS;
    await using on = await linksOnRedis({ nowMs: () => nowMs });
    const floor = nowMs * 1000 + 24 * HOUR_MS * 1000;
    const claim = (uid: string, tokenFloor: number) =>
      on.links.execute({ ...operation(kind, uid), owner: { podIndex: 1, tokenFloor: String(tokenFloor) } });
    expect(await claim("alice", floor)).toMatchObject({ link: { token: String(floor + 1) } });
    await expect(claim("bob", floor + 1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-applied" });
  });

  test("the operations of a script share one moment of Redis, to the microsecond", async () => {
    await using on = await linksOnRedis();
    const before = Date.now() * 1000;
    const answers = await on.links.executeAll(
      Array.from({ length: 100 }, (_, index) => operation(kind, `u${index % 100}`)),
    );
    const tokens = new Set(
      answers.map((answer) => "value" in answer && "link" in answer.value && answer.value.link.token),
    );
    expect(tokens.size).toBe(on.tap.calls.length);
    for (const token of tokens) expect(Number(token)).toBeGreaterThan(before - 1000);
  });
});
