import { describe, expect, it } from "vitest";
import type { LinkOp } from "../src/index.ts";
import { checkLinkOp, checkToken, compareTokens, isSuperseded, makeLink } from "../src/index.ts";

const key = { namespace: "prod", service: "room", uid: "alice" };
const owner = { podIndex: 0 };
const ttl = { ttlMs: 1000 };

const ok: LinkOp[] = [
  { kind: "get", ...key },
  { kind: "set", ...key, owner, lifetime: "persistent", opId: "0123456789" },
  { kind: "trySet", ...key, owner: { podIndex: 1, incarnation: 7 }, lifetime: "persistent" },
  { kind: "setIfAbsent", ...key, owner, lifetime: ttl, renew: true },
  {
    kind: "replace",
    ...key,
    expectedToken: "9007199254740991",
    owner: { podIndex: 2, tokenFloor: "0" },
    lifetime: ttl,
  },
  { kind: "renew", ...key, expected: {}, lifetime: ttl },
  { kind: "remove", ...key, graceMs: 0 },
  { kind: "remove", ...key, graceMs: 10, expected: { podIndex: 0, incarnation: 1, token: "5" } },
];

const bad: [field: string, op: object][] = [
  ["namespace", { kind: "get", ...key, namespace: "" }],
  ["service", { kind: "get", ...key, service: "R" }],
  ["uid", { kind: "get", ...key, uid: "\ud800" }],
  ["kind", { kind: "steal", ...key }],
  ["opId", { kind: "set", ...key, owner, lifetime: ttl, opId: "01234567890" }],
  ["podIndex", { kind: "set", ...key, owner: { podIndex: -1 }, lifetime: ttl }],
  ["incarnation", { kind: "set", ...key, owner: { podIndex: 1, incarnation: 0 }, lifetime: "persistent" }],
  ["ttlMs", { kind: "set", ...key, owner, lifetime: { ttlMs: 0 } }],
  ["ttlMs", { kind: "set", ...key, owner }],
  ["lifetime", { kind: "setIfAbsent", ...key, owner: { podIndex: 1, incarnation: 7 }, lifetime: ttl }],
  ["renew", { kind: "setIfAbsent", ...key, owner, lifetime: "persistent", renew: true }],
  ["tokenFloor", { kind: "set", ...key, owner: { podIndex: 1, tokenFloor: "-1" }, lifetime: ttl }],
  ["expectedToken", { kind: "replace", ...key, expectedToken: "9007199254740992", owner, lifetime: ttl }],
  ["expected.podIndex", { kind: "renew", ...key, expected: { podIndex: 70_000 }, lifetime: ttl }],
  ["expected.incarnation", { kind: "remove", ...key, graceMs: 1, expected: { incarnation: -1 } }],
  ["expected.token", { kind: "remove", ...key, graceMs: 1, expected: { token: "01" } }],
  ["graceMs", { kind: "remove", ...key, graceMs: -1 }],
];

describe("a link operation", () => {
  it.each(ok.map((op) => [op.kind, op] as const))("%s passes as it is", (_kind, op) => {
    expect(checkLinkOp(op)).toBe(op);
  });

  it.each(bad)("is refused for its %s", (field, op) => {
    expect(() => checkLinkOp(op as LinkOp)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }) as Error);
    expect(() => checkLinkOp(op as LinkOp)).toThrow(new RegExp(`^${field.replace(".", "\\.")} must be`));
  });
});

describe("links and tokens", () => {
  it("tokens compare as numbers, not as text", () => {
    expect(compareTokens("9", "10")).toBeLessThan(0);
    expect(compareTokens("10", "10")).toBe(0);
    expect(checkToken("0")).toBe("0");
  });

  it("a link is frozen, and what it lacks is not there at all", () => {
    const link = makeLink({
      ...key,
      podIndex: 0,
      token: "5",
      kind: "reservation",
      incarnation: undefined,
      expiresInMs: undefined,
    });
    expect(Object.isFrozen(link)).toBe(true);
    expect(Object.keys(link)).not.toContain("incarnation");
    expect(Object.keys(link)).not.toContain("expiresInMs");
    expect(makeLink({ ...link, incarnation: 7, expiresInMs: 3 })).toMatchObject({ incarnation: 7, expiresInMs: 3 });
  });

  it("superseded is told from every other answer", () => {
    const link = makeLink({ ...key, podIndex: 0, token: "5", kind: "owned", incarnation: 2 });
    expect(isSuperseded({ superseded: true, link })).toBe(true);
    expect(isSuperseded({ created: false, link })).toBe(false);
    expect(isSuperseded(undefined)).toBe(false);
  });
});
