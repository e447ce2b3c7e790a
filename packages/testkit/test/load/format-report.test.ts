import { expect, test } from "vitest";
import { formatReport, startLoad } from "../../src/load.ts";
import { PATIENTLY, posting, startService, WHEN_ANSWERED } from "./support/service.ts";

test("a report is plain JSON, and for people it says what happened when", async () => {
  let answered = 0;
  const { url } = await startService({
    answer: (_, res) => {
      answered += 1;
      res.writeHead(answered % 2 === 0 ? 503 : 200).end();
    },
    live: (socket) => socket.send("hello"),
  });
  const sockets = { path: () => "/", read: () => undefined };
  await using load = await startLoad({ ...posting, url, requests: 40, seed: 7, timelineMs: 10, sockets });
  await expect.poll(() => load.report().figures.acknowledged, PATIENTLY).toBeGreaterThan(0);
  load.mark("killed room-3");
  await load.allDue;
  const report = await load.end(WHEN_ANSWERED);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  const text = formatReport(report);
  expect(text).toContain("200 requests/s (constant), seed 7: 40 due in");
  expect(text).toContain("20 acknowledged, 0 refused, 20 unknown, 0 failed, 0 shed; 0 repeats");
  expect(text).toContain("20 x 503");
  expect(text).toContain("users: 10, ");
  expect(text).toContain("20 changes in doubt");
  expect(text).toContain("sockets: 10, 10 connections, 0 changes");
  expect(text).toMatch(/^\d+\.\d\d s to \d+\.\d\d s, killed room-3: \d+ due$/m);
  expect(text).toMatch(/^ +from +due +acknowledged +refused +unknown +failed +shed +p50Ms +p99Ms +maxMs$/m);
  expect(text).toMatch(/^-- \d+\.\d\d s killed room-3$/m);
  expect(text.match(/^ *\d+\.\d\d s( +[\d.-]+){9}$/gm)).toHaveLength(report.timeline.length);
});
