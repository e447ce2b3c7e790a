import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import { recordingLogger } from "@podlink/testkit";
import { linkKey } from "@podlink/types";
import { Redis } from "ioredis";
import { expect, vi } from "vitest";
import { GENEROUS, NAMESPACE, Place, routable, SERVICE, settle, storedLink } from "./support/pods-place.ts";
import { setByNextVersion } from "./support/pods-next-version.ts";

const BUCKETS = 64;
const keyOf = (uid: string): string => linkKey("pl", NAMESPACE, uid, BUCKETS);
const nameOf = (uid: string) => ({ namespace: NAMESPACE, service: SERVICE, uid });
const owner = { podIndex: 1, incarnation: 7 };
const later = (Date.now() + 3_600_000).toString(36);
const token = "5xjzk0s0q8";

/** Values of our version that can't be a link. */
const BROKEN: Readonly<Record<string, string>> = {
  "no record at all": "hello",
  empty: "",
  "a missing field": `1|0|7|${token}|${later}|o|op`,
  "numbers as another language writes them": `1|0|7|1.7e15|${later}|o|op|c`,
  "a negative number": `1|-1|7|${token}|${later}|o|op|c`,
  "capital digits": `1|0|7|${token.toUpperCase()}|${later}|o|op|c`,
  "a token past 2^53": `1|0|7|zzzzzzzzzzzz|${later}|o|op|c`,
  "a pod past 65535": `1|zzzzz|7|${token}|${later}|o|op|c`,
  "an unknown kind": `1|0|7|${token}|${later}|x|op|c`,
  "an owner without incarnation": `1|0|0|${token}|${later}|o|op|c`,
  "JSON of another program": '{"podIndex":0}',
  "bytes that are no UTF-8": "1|\u0000\u00ff|",
  "a megabyte": `1|${"9".repeat(1_000_000)}`,
};

faultRow(56, "broken values of our version count as absent and are counted, for every operation", async (row) => {
  await using place = await Place.start(row);
  await using store = new RedisExecutor({ url: place.redis.url });
  await store.init([NAMESPACE], { timeoutMs: 10_000 });
  for (const [uid, value] of Object.entries(BROKEN)) {
    const write = () => place.redis.cli("HSET", keyOf(uid), SERVICE, value);
    const counted = store.read()["brokenValues"]!;
    await write();
    expect(await row.request(() => store.execute({ kind: "get", ...nameOf(uid) })), uid).toBeUndefined();
    expect(store.read()["brokenValues"], uid).toBeGreaterThan(counted);
    const expected = { token: "1" };
    expect(await store.execute({ kind: "remove", ...nameOf(uid), graceMs: 0, expected })).toEqual({ removed: false });
    expect(await store.execute({ kind: "renew", ...nameOf(uid), expected, lifetime: "persistent" })).toEqual({
      renewed: false,
    });
    expect((await store.servicesOf(NAMESPACE, uid)).size).toBe(0);
    const made = await store.execute({ kind: "setIfAbsent", ...nameOf(uid), owner, lifetime: "persistent" });
    expect(made, uid).toMatchObject({ created: true, link: owner });
    expect(await store.execute({ kind: "get", ...nameOf(uid) })).toEqual(made.link);
  }
  row.saw(
    `${Object.keys(BROKEN).length} broken values: absent, counted ${store.read()["brokenValues"]} times, written over`,
  );
});

faultRow(
  56,
  "newer values and other types are CORRUPT and untouched; who asks beside them doesn't notice",
  async (row) => {
    await using place = await Place.start(row);
    const logger = recordingLogger();
    const { pod } = await place.pod(1);
    const caller = await place.caller({ logger });
    await routable(caller, 1);
    await using store = new RedisExecutor({ url: place.redis.url, logger });
    await store.init([NAMESPACE], { timeoutMs: 10_000 });
    const newer = `2|0|7|${token}|${later}|o|op|c|whatever`;
    await place.redis.cli("HSET", keyOf("newer"), SERVICE, newer);
    await place.redis.cli("PEXPIRE", keyOf("newer"), 3_600_000);
    await place.redis.cli("SET", keyOf("text"), "hello");
    await place.redis.cli("RPUSH", keyOf("list"), "a", "b");
    const dumps = () => Promise.all(["newer", "text", "list"].map((uid) => place.redis.cli("DUMP", keyOf(uid))));
    const before = await dumps();

    const scriptsBefore = store.read()["linkScripts"]!;
    for (const uid of ["newer", "text", "list"]) {
      const expected = { token: "1" };
      const ops = [
        { kind: "get", ...nameOf(uid) },
        { kind: "set", ...nameOf(uid), owner, lifetime: "persistent" },
        { kind: "trySet", ...nameOf(uid), owner, lifetime: "persistent" },
        { kind: "setIfAbsent", ...nameOf(uid), owner, lifetime: "persistent" },
        { kind: "replace", ...nameOf(uid), owner, lifetime: "persistent", expectedToken: "1" },
        { kind: "renew", ...nameOf(uid), expected, lifetime: "persistent" },
        { kind: "remove", ...nameOf(uid), graceMs: 0, expected },
      ] as const;
      for (const op of ops) {
        const beside = { kind: "set", ...nameOf(`beside-${uid}`), owner, lifetime: "persistent" } as const;
        const [answer, other] = await row.request(() => store.executeAll([op, beside]));
        expect(answer, `${op.kind} ${uid}`).toMatchObject({ error: { code: "CORRUPT" } });
        expect(other).toMatchObject({ value: { link: owner } });
      }
      await expect(caller.service(SERVICE).resolve(uid)).rejects.toMatchObject({ code: "CORRUPT" });
      expect(await pod.driver.guard(uid)).toMatchObject({ ok: false });
    }
    expect(await dumps()).toEqual(before);
    expect(Number(await place.redis.cli("PTTL", keyOf("newer")))).toBeGreaterThan(3_500_000);
    // Asked once each, nothing goes on asking by itself; said once, not once for each.
    const scripts = store.read()["linkScripts"]! - scriptsBefore;
    expect(scripts).toBeLessThanOrEqual(3 * 7 * 4);
    expect(store.read()["corruptValues"]).toBeGreaterThanOrEqual(21);
    const said = logger.entries.filter(({ fields }) => fields["code"] === "CORRUPT");
    expect(said.length).toBeLessThanOrEqual(2); // the store's and the caller's own
    await caller.service(SERVICE).resolve("fine");
    row.saw(`21 operations CORRUPT, values untouched, ${scripts} scripts, ${said.length} lines of log`);
  },
);

const REFUSED: Readonly<Record<string, unknown>> = {
  "a zero byte": "a\0b",
  "a line break": 'ann\n{"level":"error","message":"forged"}',
  "a carriage return": "ann\rbob",
  "an escape sequence": "ann\u001b[2J",
  "a lone surrogate": "ann\ud800",
  "a megabyte": "x".repeat(1_000_000),
  nothing: "",
  "a dot": ".",
  "two dots": "..",
  "no text": { toString: () => "ann" },
};
const ENCODED = [
  "a}b",
  "{a}b",
  "{",
  "}",
  "a:b",
  "a*b",
  "*",
  "?",
  "[a-z]",
  "a/b",
  "a%7Db",
  "a b",
  "NOSCRIPT",
  "READONLY",
  "MOVED 1 127.0.0.1:1",
  "__proto__",
  "constructor",
  "toString",
  "prod/room",
  "пользователь",
  "\u2028",
  "😀",
  "%",
  "%00",
  "..a",
  "-1",
  "1|0|7",
  "x".repeat(256),
];

faultRow(57, "hostile uids are refused before anything is sent, or are users like any other", async (row) => {
  await using place = await Place.start(row);
  const logger = recordingLogger();
  const placed = await place.pod(0, { logger });
  const caller = await place.caller({ logger });
  await routable(caller, 1);
  const rooms = caller.service(SERVICE);
  await settle(caller, placed, "ann");
  const keysBefore = (await place.redis.cli("KEYS", "pl:{prod/*}*")) as string[];
  await row.inject("process", `callers send ${Object.keys(REFUSED).length + ENCODED.length} hostile uids`, async () => {
    for (const [what, uid] of Object.entries(REFUSED)) {
      const asks = [
        () => rooms.resolve(uid as string),
        async () => placed.pod.driver.guard(uid as string),
        async () => placed.pod.driver.removeLinkedPod(uid as string, 0),
        async () => caller.client.batchGetLinkedPod({ service: SERVICE, uids: ["ann", uid as string] }),
        async () => caller.linksOf(uid as string),
      ];
      for (const ask of asks) {
        const refused: unknown = await row.request(async () => ask()).catch((error: unknown) => error);
        expect(refused, what).toMatchObject({ code: "INVALID_ARGUMENT" });
        const { message } = refused as Error;
        expect(message.length).toBeLessThan(400);
        // eslint-disable-next-line no-control-regex -- control characters are what must not be there
        expect(message).not.toMatch(/[\u0000-\u001f\u007f]/);
        expect(() => encodeURIComponent(message)).not.toThrow(); // throws for a lone surrogate
      }
    }
    expect(await place.redis.cli("KEYS", "pl:{prod/*}*")).toHaveLength(keysBefore.length);
    const tokens = new Map<string, string>();
    for (const uid of ENCODED) tokens.set(uid, (await row.request(() => settle(caller, placed, uid))).token);
    for (const uid of ENCODED)
      expect(await storedLink(caller, uid), uid).toMatchObject({ uid, token: tokens.get(uid) });
    const found = await caller.client.batchGetLinkedPod({ service: SERVICE, uids: ENCODED });
    expect(found.get(0)?.toSorted()).toEqual(ENCODED.toSorted());
    // Each is removed alone: all that are left are who they were.
    for (const [index, uid] of ENCODED.entries()) {
      await placed.pod.driver.removeLinkedPod(uid, 0);
      expect(await storedLink(caller, uid), uid).toBeUndefined();
      for (const other of ENCODED.slice(index + 1)) {
        expect((await storedLink(caller, other))?.token, `${other} after ${uid}`).toBe(tokens.get(other));
      }
    }
  });
  expect(await storedLink(caller, "ann")).toMatchObject({ podIndex: 0 });
  expect(({} as Record<string, unknown>)["podIndex"]).toBeUndefined();
  const logged = logger.entries.map((entry) => JSON.stringify(entry)).join("");
  for (const word of ["forged", "[2J", "NOSCRIPT"]) expect(logged).not.toContain(word);
  row.saw(
    `${Object.keys(REFUSED).length} refused with INVALID_ARGUMENT at 5 doors, ${ENCODED.length} kept apart, none in the log`,
  );
});

faultRow(58, "this version and the next take a link from each other, both ways, under growing tokens", async (row) => {
  await using place = await Place.start(row);
  await using store = new RedisExecutor({ url: place.redis.url });
  await store.init([NAMESPACE], { timeoutMs: 10_000 });
  const next = new Redis(place.redis.url);
  const key = keyOf("ann");
  let last = 0;
  const ROUNDS = 50;
  await row.inject("process", "the next version writes records with parts that this one doesn't know", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const theirs = Number(
        await setByNextVersion(next, { key, service: SERVICE, format: "1", podIndex: 2, incarnation: round + 1 }),
      );
      expect(theirs).toBeGreaterThan(last);
      expect(String(await place.redis.cli("HGET", key, SERVICE))).toMatch(/\|zone=a\|new$/);
      // Read, refused to a stranger, renewed and taken by its token: as if it were a record of our own.
      const link = await row.request(() => store.execute({ kind: "get", ...nameOf("ann") }));
      expect(link).toMatchObject({ podIndex: 2, incarnation: round + 1, token: String(theirs), kind: "owned" });
      const refused = await store.execute({ kind: "setIfAbsent", ...nameOf("ann"), owner, lifetime: "persistent" });
      expect(refused).toMatchObject({ created: false, link: { token: String(theirs) } });
      const expected = { token: String(theirs), podIndex: 2, incarnation: round + 1 };
      const renewed = await store.execute({ kind: "renew", ...nameOf("ann"), expected, lifetime: "persistent" });
      expect(renewed).toMatchObject({ renewed: true, link: { token: String(theirs) } });
      const replace = {
        kind: "replace",
        ...nameOf("ann"),
        owner,
        lifetime: "persistent",
        expectedToken: String(theirs),
      } as const;
      const replaced = await store.execute(replace);
      expect(replaced).toMatchObject({ replaced: true, link: owner, previous: { token: String(theirs) } });
      last = Number((replaced as { link: { token: string } }).link.token);
      expect(last).toBeGreaterThan(theirs);
    }
  });
  expect(store.read()).toMatchObject({ brokenValues: 0, corruptValues: 0 });

  // Told to write format 2 too early: nobody of this version touches it, and it goes on reading ours.
  const early = await row.request(() =>
    setByNextVersion(next, { key, service: SERVICE, format: "2", podIndex: 2, incarnation: 99 }),
  );
  expect(Number(early)).toBeGreaterThan(last);
  const raw = await place.redis.cli("HGET", key, SERVICE);
  const set = { kind: "set", ...nameOf("ann"), owner, lifetime: "persistent" } as const;
  await expect(store.execute(set)).rejects.toMatchObject({ code: "CORRUPT" });
  expect(await place.redis.cli("HGET", key, SERVICE)).toBe(raw);
  // Another service of the same uid is not its prisoner.
  const other = await store.execute({ ...set, service: "lobby" });
  expect(other).toMatchObject({ link: owner });
  expect(await place.redis.cli("HGET", key, SERVICE)).toBe(raw);
  // A namespace that says format 2 of itself is refused at the start, in words.
  await place.redis.cli("HSET", "pl:{prod}:meta", "format", "2");
  await using late = new RedisExecutor({ url: place.redis.url });
  await expect(late.init([NAMESPACE], { timeoutMs: 10_000 })).rejects.toMatchObject({ code: "CONFIG" });
  next.disconnect();
  row.saw(`${ROUNDS} turns each way, tokens grew by every one; format 2 untouched (CORRUPT)`);
});

faultRow(63, "a batch of a million uids is refused before anything reaches Redis", async (row) => {
  await using place = await Place.start(row);
  const caller = await place.caller();
  const line = await place.line();
  await using store = new RedisExecutor({ url: line.url("redis") });
  await store.init([NAMESPACE], { timeoutMs: 10_000 });
  const uids = Array.from({ length: 1_000_000 }, (_, index) => `user-${index}`);
  const ops = uids.map((uid) => ({ kind: "get", ...nameOf(uid) }) as const);
  const operations = async (): Promise<string> => {
    const stats = await place.redis.info("commandstats");
    return JSON.stringify(
      [stats["cmdstat_evalsha"], stats["cmdstat_eval"], stats["cmdstat_hget"], stats["cmdstat_hmget"]].map(
        (one) => one?.split(",")[0],
      ),
    );
  };
  const before = { bytes: line.counts.received.toServer, calls: await operations() };
  await row.inject("process", "a caller asks for 1,000,000 uids at once", async () => {
    const asks = [() => caller.client.batchGetLinkedPod({ service: SERVICE, uids }), () => store.executeAll(ops)];
    for (const ask of asks) {
      const refused: unknown = await row.request<unknown>(ask).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-applied" });
      expect((refused as Error).message.length).toBeLessThan(400);
    }
  });
  expect({ bytes: line.counts.received.toServer, calls: await operations() }).toEqual(before);
  // One at the limit is served.
  const most = await caller.client.batchGetLinkedPod(
    { service: SERVICE, uids: uids.slice(0, 10_000) },
    { timeoutMs: 5000 },
  );
  expect(most.size).toBe(0);
  await vi.waitFor(async () => expect(await operations()).not.toBe(before.calls), GENEROUS);
  row.saw("refused at both doors, 0 bytes to Redis; 10,000 are served");
});
