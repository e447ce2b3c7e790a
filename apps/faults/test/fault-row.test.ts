import { FaultRow } from "@podlink/faults";
import { startRedis } from "@podlink/testkit/redis";
import { expect, test } from "vitest";

test("a row that injected nothing proves nothing", async () => {
  const row = new FaultRow();
  await row.request(() => 1);
  expect(() => row.report(5)).toThrow("Row 5 injected nothing");
});

test("a row that asked nothing during what it injected proves nothing", async () => {
  const row = new FaultRow();
  await row.inject("process", "a pause", () => undefined);
  expect(() => row.report(5)).toThrow("Row 5 asked nothing during what it injected");
});

test("a row that asserted nothing after what it injected proves nothing", async () => {
  expect.assertions(1);
  const row = new FaultRow();
  await row.inject("process", "a pause", () => undefined);
  await row.request(() => 1);
  let why = "";
  try {
    row.report(5);
  } catch (error) {
    why = String(error);
  }
  expect(why).toContain("Row 5 asserted nothing after what it injected");
});

test("what is done to a server is on record: a stop lasts until it goes on, a kill until it is back, a command until its answer", async () => {
  await using server = await startRedis();
  const row = new FaultRow();
  const recorded = row.server(server);
  await recorded.cli("PING");
  expect(row.injections.all).toEqual([]);
  recorded.stop();
  expect(row.injections.all).toMatchObject([{ source: "server", what: "stop" }]);
  expect(row.injections.all[0]?.toMs).toBeUndefined();
  recorded.cont();
  expect(row.injections.all[0]?.toMs).toBeGreaterThan(0);
  await recorded.cli("FLUSHALL");
  await recorded.kill9();
  await recorded.restart();
  expect(row.injections.all.map(({ what, toMs }) => [what, toMs !== undefined])).toEqual([
    ["stop", true],
    ["FLUSHALL", true],
    ["kill9", true],
  ]);
  expect(await row.request(() => 1)).toBe(1);
  expect(row.report(2)).toMatchObject({ row: 2, requestsDuring: 1 });
});
