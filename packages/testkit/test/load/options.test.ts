import { expect, test } from "vitest";
import type { LoadOptions, SocketOptions } from "../../src/load.ts";
import { startLoad, startSockets } from "../../src/load.ts";
import { posting } from "./support/service.ts";

const url = "http://127.0.0.1:1";

test.each([
  [{ url: undefined }, /load\.url: must be a URL, or a list of at least one \(got undefined\)/],
  [{ url: [] }, /load\.url/],
  [{ url: "ftp://host" }, /load\.url\.0: must be http:\/\/host:port/],
  [{ users: 0 }, /load\.users: .*1.* \(got 0\)/],
  [{ users: [] }, /load\.users/],
  [{ ratePerSecond: 0 }, /load\.ratePerSecond/],
  [{ ratePerSecond: Number.NaN }, /load\.ratePerSecond/],
  [{ arrivals: "random" }, /load\.arrivals/],
  [{ request: "GET /" }, /load\.request: must be a function/],
  [{ maxInFlight: 0 }, /load\.maxInFlight/],
  [{ timeoutMs: -1 }, /load\.timeoutMs/],
  [{ durationMs: 0 }, /load\.durationMs/],
  [{ retry: {} }, /load\.retry\.withinMs/],
  [{ retry: { withinMs: 1, minBackoffMs: 9, maxBackoffMs: 8 } }, /minBackoffMs must not be above maxBackoffMs/],
  [{ retry: { withinMs: 1, tries: 3 } }, /load\.retry\.tries/],
  [{ timelineMs: 9 }, /load\.timelineMs/],
  [{ signal: {} }, /load\.signal: must be an AbortSignal/],
  [{ rate: 5 }, /load\.rate/],
  [{ sockets: { path: () => "/", read: () => undefined, last: 1 } }, /sockets\.last/],
])("a load with %j is refused: field, rule, value", async (wrong, message) => {
  const options = { ...posting, url, ...wrong } as LoadOptions;
  await expect(startLoad(options)).rejects.toMatchObject({
    code: "CONFIG",
    message: expect.stringMatching(message) as string,
  });
});

test.each([
  [{ path: undefined }, /sockets\.path: must be a function/],
  [{ pingMs: -1 }, /sockets\.pingMs/],
  [{ retries: 3 }, /sockets\.retries/],
])("sockets with %j are refused", (wrong, message) => {
  const options = { url, users: 1, path: () => "/", read: () => undefined, ...wrong } as SocketOptions;
  expect(() => startSockets(options)).toThrow(message);
});
