import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  describeFailure,
  isSilence,
  provesNotRun,
  reconnectOnError,
  toRouteError,
} from "../../src/connection/ioredis-errors.ts";

/** An error as ioredis makes it: with the command's arguments. */
function replyError(message: string): Error {
  const error = Object.assign(new Error(message), { command: { name: "evalsha", args: ["user-4711", "s3cret"] } });
  error.name = "ReplyError";
  return error;
}

describe("an answer that proves that nothing ran", () => {
  test.each([
    ["MOVED 3999 127.0.0.1:6381", "STORE_UNAVAILABLE"],
    ["ASK 3999 127.0.0.1:6381", "STORE_UNAVAILABLE"],
    ["TRYAGAIN Multiple keys request during rehashing of slot", "STORE_UNAVAILABLE"],
    ["CLUSTERDOWN The cluster is down", "STORE_UNAVAILABLE"],
    ["LOADING Redis is loading the dataset in memory", "STORE_UNAVAILABLE"],
    ["READONLY You can't write against a read only replica.", "STORE_UNAVAILABLE"],
    ["NOSCRIPT No matching script. Please use EVAL.", "STORE_UNAVAILABLE"],
    ["BUSY Redis is busy running a script.", "STORE_UNAVAILABLE"],
    ["OOM command not allowed when used memory > 'maxmemory'.", "STORE_UNAVAILABLE"],
    ["MISCONF Redis is configured to save RDB snapshots", "STORE_UNAVAILABLE"],
    ["NOREPLICAS Not enough good replicas to write.", "STORE_UNAVAILABLE"],
    ["NOAUTH Authentication required.", "UNAUTHENTICATED"],
    ["WRONGPASS invalid username-password pair or user is disabled.", "UNAUTHENTICATED"],
    ["NOPERM this user has no permissions to run the 'evalsha' command", "PERMISSION_DENIED"],
    ["ERR max number of clients reached", "STORE_UNAVAILABLE"],
  ])("%s", (message, code) => {
    const error = replyError(message);
    expect(provesNotRun(error)).toBe(true);
    expect(toRouteError(error, "script linkOps", true)).toMatchObject({ code, outcome: "not-applied" });
  });

  test("too many redirections, by the last of them", () => {
    const error = new Error("Too many Cluster redirections. Last error: ReplyError: TRYAGAIN Multiple keys request");
    expect(toRouteError(error, "script linkOps", true)).toMatchObject({ outcome: "not-applied" });
    const lost = new Error("Too many Cluster redirections. Last error: Error: Connection is closed.");
    expect(toRouteError(lost, "script linkOps", true)).toMatchObject({ outcome: "unknown" });
  });
});

describe("text that somebody else may have written decides nothing", () => {
  test.each(["ERR user NOSCRIPT is odd", "ERR READONLY You can't write", "ERR MOVED 1 evil:6379", "WRONG OOM command"])(
    "%s",
    (message) => {
      const error = replyError(message);
      expect(provesNotRun(error)).toBe(false);
      expect(reconnectOnError(error)).toBe(false);
      expect(toRouteError(error, "script linkOps", true)).toMatchObject({ code: "INTERNAL", outcome: "unknown" });
    },
  );

  test("a server that became a replica is left, and nothing is sent again", () => {
    expect(reconnectOnError(replyError("READONLY You can't write against a read only replica."))).toBe(1);
  });
});

test("nothing of the command is in the error: no argument, no text of Redis, no cause", () => {
  const messages = [
    "ERR unknown command 'evalsha', with args beginning with: 'user-4711' 's3cret'",
    "ERR user_script:17: user-4711 is odd script: f00, on @user_script:17.",
    "user-4711",
  ];
  for (const message of messages) {
    const error = toRouteError(replyError(message), "script linkOps", true);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/4711|s3cret/);
  }
  expect(toRouteError(replyError(messages[1] ?? ""), "script linkOps", true).message).toBe(
    "script linkOps: Redis answered ERR at line 17 of the script",
  );
});

describe("a connection that failed", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), {
    code: "ECONNREFUSED",
    address: "127.0.0.1",
    port: 1,
  });
  test.each([
    [refused, "ECONNREFUSED 127.0.0.1:1"],
    [
      Object.assign(new Error("connect ENOENT /tmp/s"), { code: "ENOENT", path: "/tmp/s", address: undefined }),
      "ENOENT /tmp/s",
    ],
    [new Error("All sentinels are unreachable. Retrying from scratch after 10ms."), "no Sentinel answers"],
    [new Error("None of startup nodes is available"), "no node of the Cluster answers"],
    [new Error("Failed to refresh slots cache."), "no node of the Cluster tells the slots"],
    [new Error("Socket timeout. Expecting data, but didn't receive any in 2000ms."), "Redis has not answered for long"],
    [new Error("whatever user-4711"), "the connection to Redis is lost"],
    [replyError("WRONGPASS invalid"), "Redis refuses user or password (WRONGPASS)"],
  ])("is described in words of ours", (error, words) => {
    expect(describeFailure(error)).toBe(words);
  });

  test("may have carried the command or not: whoever wrote it knows", () => {
    expect(toRouteError(new Error("Connection is closed."), "PING", true).outcome).toBe("unknown");
    expect(toRouteError(new Error("Connection is closed."), "PING", false).outcome).toBe("not-applied");
    expect(toRouteError(new Error("Command timed out"), "PING", true)).toMatchObject({
      code: "TIMEOUT",
      outcome: "unknown",
    });
  });

  test("counts for the breaker; an answer that refuses does not", () => {
    expect(isSilence(refused)).toBe(true);
    expect(isSilence(replyError("LOADING Redis is loading"))).toBe(true);
    expect(isSilence(replyError("OOM command not allowed"))).toBe(false);
    expect(isSilence(replyError("NOPERM this user"))).toBe(false);
  });
});
