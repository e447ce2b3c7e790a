import { describe, expect, it } from "vitest";
import { LinkHistory } from "../src/link-history.ts";
import { SessionHistory } from "../src/session-history.ts";

const KEY = "pl:{chaos/7}ann";
const record = (pod: number, token: string, kind = "o") => `1|${pod.toString(36)}|5|${token}|0|${kind}|abc|c`;
const inScript = (atMs: number, ...words: string[]) => ({ atMs, words, inScript: true });
const asked = (atMs: number, ...words: string[]) => ({ atMs, words, inScript: false });

describe("the history of a link", () => {
  it("has every pod that held it, when it did", () => {
    const links = new LinkHistory();
    links.hear(inScript(10, "HSET", KEY, "room", record(3, "a")));
    links.hear(inScript(20, "HSET", KEY, "room", record(4, "b")));
    links.hear(inScript(30, "HDEL", KEY, "room"));
    expect([...links.holders("ann", 12, 15)]).toEqual([3]);
    expect([...links.holders("ann", 12, 25)]).toEqual([3, 4]);
    expect([...links.holders("ann", 31, 40)]).toEqual([]);
    expect(links.of("ann").at(1)?.link).toEqual({ pod: 4, incarnation: 5, token: "11", kind: "o" });
  });

  it("a link that is made if there is none counts when it was made", () => {
    const links = new LinkHistory();
    links.hear(inScript(10, "HSETNX", KEY, "room", record(1, "a")));
    links.hear(inScript(11, "PEXPIREAT", KEY, "99", "NX"));
    links.hear(inScript(20, "HSETNX", KEY, "room", record(2, "b")));
    links.hear(inScript(21, "HGET", KEY, "room"));
    links.hear(inScript(22, "PEXPIREAT", KEY, "99", "NX"));
    expect([...links.holders("ann", 0, 100)]).toEqual([1]);
  });

  it("ends for everybody when all data is gone; other services and keys are of no interest", () => {
    const links = new LinkHistory();
    links.hear(inScript(10, "HSET", KEY, "room", record(1, "a")));
    links.hear(inScript(11, "HSET", KEY, "lobby", record(2, "b")));
    links.hear(inScript(12, "HSET", "pl:{chaos/room}:meta", "room", record(2, "b")));
    links.hear(asked(20, "flushall"));
    expect(links.of("ann")).toHaveLength(2);
    expect([...links.holders("ann", 21, 30)]).toEqual([]);
  });
});

describe("the history of a session", () => {
  const SESSION = "ps:chaos/room/ann";
  const write = (token: string, holder: string) => [
    "evalsha",
    "f00",
    "1",
    SESSION,
    token,
    holder,
    "",
    "1",
    "1",
    "{}",
    "",
    "",
  ];

  it("counts what the store took, not what it was asked for", () => {
    const sessions = new SessionHistory();
    sessions.hear(asked(1, "evalsha", "f00", "1", SESSION, "7", "0.1", ""));
    sessions.hear(inScript(2, "HSET", SESSION, "token", "7", "holder", "0.1"));
    sessions.hear(asked(3, ...write("7", "0.1")));
    sessions.hear(inScript(4, "HSET", SESSION, "sequence", "1"));
    sessions.hear(asked(5, ...write("6", "1.1")));
    sessions.hear(inScript(6, "HMGET", SESSION, "token"));
    expect(sessions.of("ann").map(({ kind, token }) => [kind, token])).toEqual([
      ["load", "7"],
      ["write", "7"],
    ]);
    expect([sessions.writes, sessions.violations]).toEqual([1, []]);
  });

  it("accuses a write that was taken under a lower token than one before", () => {
    const sessions = new SessionHistory();
    for (const [at, token, holder] of [
      [1, "8", "1.1"],
      [3, "7", "0.1"],
    ] as const) {
      sessions.hear(asked(at, ...write(token, holder)));
      sessions.hear(inScript(at + 1, "HSET", SESSION, "sequence", "1"));
    }
    expect(sessions.violations.map(({ message }) => message)).toEqual([
      expect.stringMatching(/"ann" took a lower fence after a higher one: token 8 of 1.1 .*, then token 7 of 0.1/),
    ]);
  });
});
