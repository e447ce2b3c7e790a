import { expect, test } from "vitest";
import { startLoad } from "../../src/load.ts";
import { PATIENTLY, posting, startService, WHEN_ANSWERED } from "./support/service.ts";

test("while the service stalls, requests go out at their rate all the same, and the stall shows in latencies counted from due", async () => {
  const held: (() => void)[] = [];
  let stalling = true;
  const arrived: number[] = [];
  const { url } = await startService({
    answer: (_, res) => {
      arrived.push(performance.now());
      const done = (): void => void res.end();
      if (stalling) held.push(done);
      else done();
    },
  });
  await using load = await startLoad({ ...posting, url, ratePerSecond: 200, requests: 200 });
  await load.allDue; // would never be, if a request waited for the answer of another
  const stalledMs = load.nowMs;
  stalling = false;
  for (const answer of held.splice(0)) answer();
  const { figures } = await load.end(WHEN_ANSWERED);
  expect(figures).toMatchObject({ due: 200, acknowledged: 200, shed: 0, underWay: 0 });
  expect(arrived).toHaveLength(200);
  // The first request was due at 0 and the last at 995 ms; nobody was answered before all were.
  expect(stalledMs).toBeGreaterThanOrEqual(995);
  const { acknowledgedAfter } = figures;
  expect(acknowledgedAfter?.maxMs).toBeGreaterThanOrEqual(995);
  expect(acknowledgedAfter?.p50Ms).toBeGreaterThanOrEqual(490);
});

test("a generator that gets no turn sends all it owes, counts from when it was due, and says how late it was", async () => {
  const { url } = await startService({ answer: (_, res) => void res.end() });
  await using load = await startLoad({ ...posting, url, ratePerSecond: 100, requests: 60 });
  const blockedFrom = performance.now();
  while (performance.now() - blockedFrom < 400); // this process is busy; the requests of these 400 ms are late
  await load.allDue;
  const { figures } = await load.end(WHEN_ANSWERED);
  expect(figures).toMatchObject({ due: 60, acknowledged: 60 });
  expect(figures.lateness?.maxMs).toBeGreaterThan(350);
  expect(figures.acknowledgedAfter?.maxMs).toBeGreaterThan(350);
  expect(figures.lateness?.count).toBe(60);
});

test("requests beyond maxInFlight are shed: counted, not sent, and never in anybody's way", async () => {
  const held: (() => void)[] = [];
  const { url } = await startService({ answer: (_, res) => void held.push(() => res.end()) });
  await using load = await startLoad({ ...posting, url, requests: 50, maxInFlight: 8 });
  await load.allDue;
  await expect.poll(() => held.length, PATIENTLY).toBe(8);
  for (const answer of held) answer();
  const { figures, timeline } = await load.end(WHEN_ANSWERED);
  expect(figures).toMatchObject({ due: 50, acknowledged: 8, shed: 42, refused: 0, unknown: 0 });
  expect(held).toHaveLength(8);
  expect(timeline.reduce((sum, { shed }) => sum + shed, 0)).toBe(42);
});

test("users take turns, and each request is asked for once, when it is due", async () => {
  const paths: string[] = [];
  const { url } = await startService({
    answer: (req, res) => {
      paths.push(req.url ?? "");
      res.end();
    },
  });
  await using load = await startLoad({ ...posting, url, users: ["a", "b", "c"], requests: 6 });
  await load.allDue;
  await load.end(WHEN_ANSWERED);
  expect(paths.toSorted()).toEqual(["/a/0", "/a/3", "/b/1", "/b/4", "/c/2", "/c/5"]);
});

test("of several URLs each request takes the next", async () => {
  const counts = [0, 0];
  const services = [0, 1].map((index) =>
    startService({
      answer: (_, res) => {
        counts[index]! += 1;
        res.end();
      },
    }),
  );
  const url = (await Promise.all(services)).map((service) => service.url);
  await using load = await startLoad({ ...posting, url, requests: 10 });
  await load.allDue;
  await load.end(WHEN_ANSWERED);
  expect(counts).toEqual([5, 5]);
});
