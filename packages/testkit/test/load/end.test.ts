import { expect, test } from "vitest";
import { expectNothingLeftOpen } from "../../src/index.ts";
import { startLoad } from "../../src/load.ts";
import { PATIENTLY, nobody, posting, startService, WHEN_ANSWERED } from "./support/service.ts";

test("the end waits for what is under way", async () => {
  const held: (() => void)[] = [];
  const { url } = await startService({ answer: (_, res) => void held.push(() => res.end()) });
  await expectNothingLeftOpen(async () => {
    const load = await startLoad({ ...posting, url, requests: 1000, ratePerSecond: 50 });
    await expect.poll(() => held.length, PATIENTLY).toBeGreaterThan(5);
    const ending = load.end(WHEN_ANSWERED);
    await load.allDue;
    const { due, underWay } = load.report().figures;
    expect(due).toBeLessThan(1000);
    expect(underWay).toBe(due);
    await expect.poll(() => held.length, PATIENTLY).toBe(due);
    for (const answer of held) answer();
    const { figures } = await ending;
    expect(figures).toMatchObject({ due, acknowledged: due, underWay: 0 });
    await load.end(); // a second end is the first
    expect(load.report().figures).toEqual(figures);
  });
});

test("at the deadline what is under way is given up: what was sent is unknown, nothing is left open", async () => {
  let arrived = 0;
  const { url } = await startService({ answer: () => void (arrived += 1) });
  await expectNothingLeftOpen(async () => {
    const load = await startLoad({ ...posting, url, requests: 20 });
    await load.allDue;
    await expect.poll(() => arrived, PATIENTLY).toBe(20);
    const { figures, reasons, lastedMs } = await load.end({ deadlineMs: 30 });
    expect(figures).toMatchObject({ due: 20, unknown: 20, underWay: 0 });
    expect(reasons).toEqual({ "aborted after sending": 20 });
    await expect.poll(() => performance.now(), PATIENTLY).toBeGreaterThan(lastedMs);
    expect(load.nowMs).toBe(lastedMs); // figures of an ended load stand still
  });
});

test("requests that wait for their repeat are given up too, as what they were", async () => {
  const url = await nobody();
  await expectNothingLeftOpen(async () => {
    const retry = { withinMs: 600_000, minBackoffMs: 60_000, maxBackoffMs: 60_000 };
    const load = await startLoad({ ...posting, url, requests: 5, retry });
    await load.allDue;
    await expect.poll(() => load.report().reasons, PATIENTLY).toEqual({ "ECONNREFUSED before sending": 5 });
    const { figures } = await load.end({ deadlineMs: 0 });
    expect(figures).toMatchObject({ due: 5, refused: 5, unknown: 0, underWay: 0 });
  });
});

test("a later end with an earlier deadline brings it forward", async () => {
  const { url } = await startService({ answer: () => undefined });
  const load = await startLoad({ ...posting, url, requests: 1, timeoutMs: 600_000 });
  const ending = load.end({ deadlineMs: 600_000 });
  await load.end({ deadlineMs: 0 });
  expect((await ending).figures.underWay).toBe(0);
});

test("an aborted signal ends the load at once", async () => {
  const { url } = await startService({ answer: () => undefined });
  await expectNothingLeftOpen(async () => {
    const stopping = new AbortController();
    const load = await startLoad({ ...posting, url, timeoutMs: 600_000, signal: stopping.signal });
    await expect.poll(() => load.report().figures.due, PATIENTLY).toBeGreaterThan(5);
    stopping.abort();
    await load.allDue;
    expect((await load.end()).figures.underWay).toBe(0);
  });
  await expect(startLoad({ ...posting, url, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "CANCELLED",
  });
});

test("durationMs bounds the plan: what is due within it is sent, and no more", async () => {
  const { url } = await startService({ answer: (_, res) => void res.end() });
  await using load = await startLoad({ ...posting, url, ratePerSecond: 100, durationMs: 200 });
  await load.allDue;
  expect((await load.end(WHEN_ANSWERED)).figures).toMatchObject({ due: 20, acknowledged: 20 });
});

test("the end waits for sockets to see what was acknowledged, and says who is behind", async () => {
  const counts = new Map<string, number>();
  const pushes: (() => void)[] = [];
  const service = await startService({
    answer: (req, res) => {
      const uid = req.url?.split("/")[1] ?? "";
      const sequence = (counts.get(uid) ?? 0) + 1;
      counts.set(uid, sequence);
      res.end(JSON.stringify({ sequence }));
      for (const push of pushes) push();
    },
    live: (socket, path) => {
      const uid = path.slice(1);
      let told = 0;
      pushes.push(() => {
        if (uid === "bob") return; // who hears nothing
        const next = counts.get(uid) ?? 0;
        if (next > told) setTimeout(() => socket.send(JSON.stringify({ kind: "change", sequence: next })), 20);
        told = next;
      });
    },
  });
  await expectNothingLeftOpen(async () => {
    const load = await startLoad({
      ...posting,
      url: service.url,
      users: ["ann", "bob"],
      requests: 10,
      ratePerSecond: 50,
      read: ({ text }) => JSON.parse(text) as { sequence: number },
      sockets: { path: (uid) => `/${uid}`, read: (text) => JSON.parse(text) as { kind: "change"; sequence: number } },
    });
    await load.allDue;
    const { sockets } = await load.end({ deadlineMs: 2000 }); // all of it, for bob
    expect(sockets).toMatchObject({ sockets: 2, connections: 2, changes: 5, behind: 1, lost: 0 });
  });
});

test("a load whose sockets can't be opened is not started", async () => {
  const { url } = await startService({ answer: (_, res) => void res.end() });
  await expectNothingLeftOpen(async () => {
    const sockets = { path: () => "/", read: () => undefined, openWithinMs: 50 };
    await expect(startLoad({ ...posting, url, sockets })).rejects.toMatchObject({ code: "TIMEOUT" });
  });
});
