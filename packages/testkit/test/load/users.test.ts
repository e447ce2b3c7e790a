import { describe, expect, test } from "vitest";
import { startLoad } from "../../src/load.ts";
import { Users } from "../../src/load/users.ts";
import { UserRecord } from "../../src/load/user-record.ts";
import { posting, startService, WHEN_ANSWERED } from "./support/service.ts";

describe("where a user was", () => {
  const record = (...readings: readonly [pod: number, token: string, incarnation?: number][]) => {
    const user = new UserRecord("ann");
    for (const [pod, token, incarnation = 1] of readings) user.read({ pod, token, incarnation });
    return user.figures(0);
  };

  test("pods in order, and each change of pod is a move", () => {
    expect(record([0, "7"], [0, "7"], [2, "8"], [0, "9"])).toMatchObject({ pods: [0, 2, 0], moves: 2, splitTokens: 0 });
  });

  test("an answer with an older token came late, and is no move back", () => {
    expect(record([0, "9"], [2, "10"], [0, "9"])).toMatchObject({
      pods: [0, 2],
      moves: 1,
      token: "10",
      splitTokens: 0,
    });
  });

  test("one token with two holders is noted, be it another pod or another life of it", () => {
    expect(record([0, "7"], [1, "7"])).toMatchObject({ splitTokens: 1, moves: 0 });
    expect(record([0, "7", 1], [0, "7", 2])).toMatchObject({ splitTokens: 1 });
  });

  test("of a service without tokens each answer counts as it comes", () => {
    const user = new UserRecord("ann");
    for (const pod of [1, 2, 1]) user.read({ pod });
    expect(user.figures(0)).toMatchObject({ pods: [1, 2, 1], moves: 2, splitTokens: 0 });
  });

  test("the last 32 stays are kept, and all moves counted", () => {
    const figures = record(
      ...Array.from({ length: 100 }, (_, index): [number, string] => [index % 3, String(index + 1)]),
    );
    expect(figures.pods).toHaveLength(32);
    expect(figures.moves).toBe(99);
  });
});

describe("how long a user was without service", () => {
  test("from when the first request with a bad answer was due to the next acknowledgement", () => {
    const user = new UserRecord("ann");
    const [first, second, third] = [user.begin(100), user.begin(200), user.begin(300)];
    user.troubled(second);
    user.troubled(first);
    expect(user.figures(400)).toMatchObject({ longestGapMs: 300, unservedSinceMs: 100 });
    user.served(450);
    user.end(third, "acknowledged");
    const { longestGapMs, unservedSinceMs } = user.figures(9999);
    expect({ longestGapMs, unservedSinceMs }).toEqual({ longestGapMs: 350, unservedSinceMs: undefined });
  });

  test("a bad answer that comes after the user was served again is a gap that has ended", () => {
    const user = new UserRecord("ann");
    const slow = user.begin(0);
    user.served(110);
    user.served(4900);
    user.troubled(slow); // its timeout, at 5000
    expect(user.figures(6000).longestGapMs).toBe(110);
  });
});

test("the report says how many moved how often, who was without service for longest, and who still is", () => {
  const users = new Users();
  for (let index = 0; index < 20; index += 1) {
    const user = users.of(`u${index}`);
    user.read({ pod: 0, token: "1" });
    if (index >= 15) user.read({ pod: 1, token: "2" });
    user.troubled(user.begin(1000));
    if (index !== 3) user.served(1000 + (index + 1) * 10);
  }
  users.of("lucky").read({ pod: 1, token: "1" });
  const report = users.report(5000);
  expect(report).toMatchObject({ count: 21, unserved: 1, byMoves: [16, 5], splitTokens: 0 });
  expect(report.gaps).toMatchObject({ count: 20, maxMs: 4000 });
  expect(report.longestGaps).toHaveLength(10);
  expect(report.longestGaps.slice(0, 3)).toEqual([
    { uid: "u3", gapMs: 4000, pods: [0] },
    { uid: "u19", gapMs: 200, pods: [0, 1] },
    { uid: "u18", gapMs: 190, pods: [0, 1] },
  ]);
});

test("a load keeps a user's figures from its answers", async () => {
  let count = 0;
  const { url } = await startService({
    answer: (_, res) => {
      count += 1;
      res.end(
        JSON.stringify({
          count,
          sequence: count,
          pod: count < 3 ? 0 : 1,
          incarnation: 5,
          token: count < 3 ? "1" : "2",
        }),
      );
    },
  });
  const read = ({ text }: { text: string }) => JSON.parse(text) as { count: number };
  await using load = await startLoad({ ...posting, url, users: ["ann"], requests: 4, ratePerSecond: 100, read });
  await load.allDue;
  await load.end(WHEN_ANSWERED);
  expect(load.user("ann")).toEqual({
    uid: "ann",
    requests: 4,
    acknowledgedRequests: 4,
    acknowledged: 4,
    doubtful: 0,
    highestCount: 4,
    highestSequence: 4,
    token: "2",
    incarnation: 5,
    pods: [0, 1],
    moves: 1,
    splitTokens: 0,
    longestGapMs: 0,
  });
  expect(load.user("bob")).toBeUndefined();
});

test("a hundred thousand users take less than 100 MB", () => {
  const users = new Users();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 100_000; index += 1) {
    const user = users.of(`user-${index}`);
    const request = user.begin(index);
    user.read({ count: 1, pod: index % 5, token: "1", incarnation: 1 });
    user.end(request, "acknowledged");
  }
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
  expect(users.report(0)).toMatchObject({ count: 100_000, byMoves: [100_000] });
});
