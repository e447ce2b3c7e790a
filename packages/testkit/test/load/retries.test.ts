import { expect, test } from "vitest";
import type { EndedRequest } from "../../src/load.ts";
import { countBreaches, startLoad } from "../../src/load.ts";
import { advisedWaitMs } from "../../src/load/outcome.ts";
import { posting, startService, WHEN_ANSWERED } from "./support/service.ts";

/** Counts increments, once for each key; answers only every so many-th. */
function counters({ answersEvery, heedsKeys }: { answersEvery: number; heedsKeys: boolean }) {
  const counts = new Map<string, number>();
  const seen = new Map<string, number>();
  let requests = 0;
  return {
    requestsSeen: () => requests,
    read: (uid: string) => Promise.resolve(counts.get(uid) ?? 0),
    service: () =>
      startService({
        answer: (req, res) => {
          requests += 1;
          const uid = req.url?.split("/")[1] ?? "";
          const key = heedsKeys ? req.headers["idempotency-key"] : undefined;
          const count = seen.get(`${uid} ${String(key)}`) ?? (counts.get(uid) ?? 0) + 1;
          counts.set(uid, Math.max(counts.get(uid) ?? 0, count));
          if (key !== undefined) seen.set(`${uid} ${String(key)}`, count);
          if (requests % answersEvery === 0) res.end(JSON.stringify({ count }));
          else res.destroy(); // carried out, but nobody hears of it
        },
      }),
  };
}

const withKeys = {
  ...posting,
  requests: 100,
  request: (uid: string, turn: number) => ({ method: "POST", path: `/${uid}`, key: `k${turn}` }),
  read: ({ text }: { text: string }) => JSON.parse(text) as { count: number },
  retry: { withinMs: 20_000, minBackoffMs: 1, maxBackoffMs: 5 },
};

test("with keys, whatever replies are lost, every request is acknowledged in the end and each counter is exact", async () => {
  const { service, read, requestsSeen } = counters({ answersEvery: 3, heedsKeys: true });
  const { url } = await service();
  await using load = await startLoad({ ...withKeys, url });
  await load.allDue;
  const { figures, users } = await load.end(WHEN_ANSWERED);
  expect(figures).toMatchObject({ due: 100, acknowledged: 100 });
  expect(figures.retries).toBe(requestsSeen() - 100);
  expect(figures.retries).toBeGreaterThan(100);
  expect(users.doubtful).toBe(0);
  for (const { uid, acknowledged, highestCount } of load.users()) {
    expect({ uid, acknowledged, highestCount }).toEqual({ uid, acknowledged: 10, highestCount: 10 });
  }
  expect(await countBreaches(load.users(), read)).toEqual([]);
});

test("a service that ignores the keys is found out: its counters are higher than anything explains", async () => {
  const { service, read } = counters({ answersEvery: 3, heedsKeys: false });
  const { url } = await service();
  await using load = await startLoad({ ...withKeys, url });
  await load.allDue;
  await load.end(WHEN_ANSWERED);
  const breaches = await countBreaches(load.users(), read);
  expect(breaches).toHaveLength(10);
  for (const { count, most } of breaches) expect(count).toBeGreaterThan(most);
});

test("a service that forgets is found out: its counter is lower than what it acknowledged", async () => {
  const { service } = counters({ answersEvery: 1, heedsKeys: true });
  const { url } = await service();
  await using load = await startLoad({ ...withKeys, url });
  await load.allDue;
  await load.end(WHEN_ANSWERED);
  const breaches = await countBreaches(load.users(), (uid) => Promise.resolve(uid === "user-3" ? 9 : 10));
  expect(breaches).toEqual([{ uid: "user-3", count: 9, least: 10, most: 10 }]);
});

test("without keys nothing unknown is sent again, and the counters stay between acknowledged and acknowledged + doubtful", async () => {
  const { service, read, requestsSeen } = counters({ answersEvery: 2, heedsKeys: true });
  const { url } = await service();
  const request = (uid: string) => ({ method: "POST", path: `/${uid}` });
  await using load = await startLoad({ ...withKeys, request, url });
  await load.allDue;
  const { figures, users } = await load.end(WHEN_ANSWERED);
  expect(requestsSeen()).toBe(100);
  expect(figures).toMatchObject({ acknowledged: 50, unknown: 50, retries: 0 });
  expect(users.doubtful).toBe(50);
  expect(await countBreaches(load.users(), read)).toEqual([]);
});

test("what was refused is repeated without a key too, at the next URL, and not before the service said", async () => {
  const times: number[] = [];
  const refusing = await startService({
    answer: (_, res) => {
      times.push(performance.now());
      res
        .writeHead(503)
        .end(JSON.stringify({ error: { code: "POD_UNAVAILABLE", outcome: "not-applied", retryAfterMs: 150 } }));
    },
  });
  const serving = await startService({
    answer: (_, res) => {
      times.push(performance.now());
      res.end();
    },
  });
  const retry = { withinMs: 10_000, minBackoffMs: 1, maxBackoffMs: 1 };
  await using load = await startLoad({ ...posting, url: [refusing.url, serving.url], requests: 1, retry });
  await load.allDue;
  const { figures } = await load.end(WHEN_ANSWERED);
  expect(figures).toMatchObject({ acknowledged: 1, retries: 1, refused: 0 });
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(149); // timers may fire a fraction of a millisecond early
});

test("a request that is never acknowledged ends with its deadline: refused when no attempt was carried out, else unknown", async () => {
  let failing = "refuse";
  const { url } = await startService({
    answer: (_, res) => {
      if (failing === "refuse") res.writeHead(421).end();
      else res.destroy();
    },
  });
  const ends = async (): Promise<{ refused: number; unknown: number; retries: number }> => {
    const retry = { withinMs: 1000, minBackoffMs: 50, maxBackoffMs: 200 }; // time for a second attempt after a slow first
    await using load = await startLoad({ ...withKeys, retry, requests: 1, url });
    await load.allDue;
    return (await load.end(WHEN_ANSWERED)).figures;
  };
  const refused = await ends();
  expect(refused).toMatchObject({ refused: 1, unknown: 0 });
  expect(refused.retries).toBeGreaterThan(0);
  failing = "break";
  expect(await ends()).toMatchObject({ refused: 0, unknown: 1 });
});

test.each([
  [{ "retry-after": "2" }, "", 2000],
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:30 GMT" }, "", 20_000],
  [{ "retry-after": "2" }, '{"error":{"retryAfterMs":1234}}', 1234],
  [{ "retry-after": "soon" }, "", undefined],
  [{}, "", undefined],
])("an answer with %j %s asks to wait %s ms", (headers, text, expected) => {
  expect(advisedWaitMs({ kind: "answer", status: 503, headers, text }, 10_000)).toBe(expected);
});

test("onEnd hears of every request once: when its first attempt ended, when it did, and why attempts ended badly", async () => {
  let asked = 0;
  const { url } = await startService({
    answer: (_, res) => {
      asked += 1;
      if (asked % 3 === 0) res.end(JSON.stringify({ count: asked }));
      else res.writeHead(503, { "retry-after": "0" }).end();
    },
  });
  const ended: EndedRequest[] = [];
  const onEnd = (one: EndedRequest): void => void ended.push(one);
  await using load = await startLoad({ ...withKeys, url, requests: 30, onEnd });
  await load.allDue;
  const { figures } = await load.end(WHEN_ANSWERED);
  expect(ended.map(({ turn }) => turn).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 30 }, (_, turn) => turn),
  );
  expect(ended.reduce((sum, { troubles }) => sum + troubles.length, 0)).toBe(figures.retries);
  for (const { outcome, troubles, dueMs, firstEndedMs, endedMs, reading } of ended) {
    expect(outcome).toBe("acknowledged");
    expect(reading?.count).toBeGreaterThan(0);
    expect(new Set(troubles)).toEqual(new Set(troubles.length === 0 ? [] : ["503"]));
    expect(firstEndedMs).toBeGreaterThanOrEqual(dueMs);
    if (troubles.length === 0) expect(firstEndedMs).toBe(endedMs);
    else expect(firstEndedMs).toBeLessThan(endedMs);
  }
});

test("what onEnd throws stands among the failures, and the load goes on", async () => {
  const { url } = await startService({ answer: (_, res) => void res.end() });
  const onEnd = (): never => {
    throw new Error("a mistake in the test");
  };
  await using load = await startLoad({ ...posting, url, requests: 5, onEnd });
  await load.allDue;
  const { figures, failures } = await load.end(WHEN_ANSWERED);
  expect(figures.acknowledged).toBe(5);
  expect(failures[0]).toBe("onEnd: a mistake in the test");
});
