import type { Answer, LinkOp } from "@podlink/types";
import { linkKey } from "@podlink/types";
import { describe, expect, onTestFinished, test } from "vitest";
import { LINK_BUCKETS, linksOnRedis, PREFIX } from "./links-on-redis.ts";

type Claim = LinkOp & { readonly kind: "setIfAbsent" };

const HOUR_MS = 3_600_000;
const KEY = linkKey(PREFIX, "prod", "alice", LINK_BUCKETS);
const NOBODY = { kind: "get", namespace: "prod", service: "room", uid: "nobody" } as const;

// Two scripts make new links: one those that travel by themselves, the other those that travel with other operations.
describe.each<[string, readonly LinkOp[]]>([
  ["createLinks", []],
  ["linkOps", [NOBODY]],
])("a new link by %s", (script, others) => {
  async function alice() {
    const clock = { nowMs: Date.now() + HOUR_MS };
    const on = await linksOnRedis({ nowMs: () => clock.nowMs, ownedTtlMs: 1_000_000 });
    onTestFinished(() => on.close());
    const claim = async (service: string, ttlMs: number, { podIndex = 1, renew = false } = {}): Promise<Answer> => {
      const name = { namespace: "prod", service, uid: "alice" };
      const op: Claim = { kind: "setIfAbsent", ...name, owner: { podIndex }, lifetime: { ttlMs }, renew };
      const [answer] = await on.links.executeAll([op, ...others]);
      expect(on.tap.calls.at(-1)).toMatchObject({ script });
      return answer as Answer;
    };
    const endsIn = async (): Promise<number> => (await on.redis.pexpiretime(KEY)) - clock.nowMs;
    return { on, clock, claim, endsIn };
  }

  test("lets its key end with the link that lasts longest", async () => {
    const { claim, endsIn } = await alice();
    for (const [service, ttlMs, ends] of [
      ["a", 5000, 5000],
      ["b", 3000, 5000],
      ["c", 9000, 9000],
    ] as const) {
      expect(await claim(service, ttlMs)).toMatchObject({ value: { created: true, link: { expiresInMs: ttlMs } } });
      expect(await endsIn()).toBe(ends);
    }
  });

  test("is one of any service, whatever else its name may say", async () => {
    const { claim } = await alice();
    for (const service of ["self-test", "get", "set", "1"])
      expect(await claim(service, 5000)).toMatchObject({ value: { created: true, link: { service } } });
  });

  test("gives a key that has none an expiry", async () => {
    const { on, claim, endsIn } = await alice();
    await claim("a", 5000);
    await on.redis.persist(KEY);
    await claim("b", 3000);
    expect(await endsIn()).toBe(3000);
  });

  test("is refused as the 129th service of a uid, unless one of them has expired", async () => {
    const { on, clock, claim } = await alice();
    for (let service = 0; service < 128; service += 1) await claim(`s${service}`, service === 0 ? 100 : 60_000);
    const refused = { code: "INVALID_ARGUMENT", message: expect.stringContaining("128") as string };
    expect(await claim("more", 60_000)).toMatchObject({ error: refused });
    expect(await on.redis.hlen(KEY)).toBe(128);
    clock.nowMs += 100;
    expect(await claim("more", 60_000)).toMatchObject({ value: { created: true } });
    expect(await on.redis.hlen(KEY)).toBe(128);
  });

  test("is refused by a full Redis, which still says who holds a link that is there", async () => {
    const { on, claim } = await alice();
    await claim("a", 60_000, { podIndex: 7 });
    await on.server.config("maxmemory", 1);
    const refused = { code: "STORE_UNAVAILABLE", message: expect.stringContaining("memory") as string };
    expect(await claim("b", 60_000)).toMatchObject({ error: refused });
    expect(await claim("a", 60_000)).toMatchObject({ value: { created: false, link: { podIndex: 7 } } });
    await on.server.config("maxmemory", 0);
    expect(await on.redis.hkeys(KEY)).toEqual(["a"]);
  });

  test("that finds another pod's reservation moves its end forward only where that is asked for", async () => {
    const { claim, endsIn } = await alice();
    await claim("a", 5000, { podIndex: 7 });
    expect(await claim("a", 9000)).toMatchObject({
      value: { created: false, link: { podIndex: 7, expiresInMs: 5000 } },
    });
    expect(await endsIn()).toBe(5000);
    const renewed = await claim("a", 9000, { renew: true });
    expect(renewed).toMatchObject({ value: { created: false, link: { podIndex: 7, expiresInMs: 9000 } } });
    expect(await endsIn()).toBe(9000);
  });

  test("takes the place of an expired one, under a higher token", async () => {
    const { clock, claim } = await alice();
    const before = await claim("a", 100);
    clock.nowMs += 100;
    const after = await claim("a", 100, { podIndex: 2 });
    expect(after).toMatchObject({ value: { created: true, link: { podIndex: 2 } } });
    expect(tokenOf(after)).toBeGreaterThan(tokenOf(before));
  });
});

function tokenOf(answer: Answer): number {
  return "value" in answer && answer.value !== undefined && "link" in answer.value
    ? Number(answer.value.link?.token)
    : Number.NaN;
}
