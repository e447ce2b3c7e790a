import type { LinkOp, LinkStore } from "@podlink/types";
import { describe, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectRefused } from "./expectations.ts";

const key = { namespace: "contract", service: "room", uid: "u" };
const owner = { podIndex: 1 };
const lifetime = { ttlMs: 1000 };
const set = { kind: "set", ...key, owner, lifetime } as const;

/** What is refused, and the field that the message names. */
const refused: readonly [field: string, op: unknown][] = [
  ["namespace", { kind: "get", ...key, namespace: "Prod" }],
  ["namespace", { kind: "get", ...key, namespace: undefined }],
  ["service", { kind: "get", ...key, service: "a_b" }],
  ["service", { kind: "get", ...key, service: "a".repeat(64) }],
  ["uid", { kind: "get", ...key, uid: "" }],
  ["uid", { kind: "get", ...key, uid: "." }],
  ["uid", { kind: "get", ...key, uid: "a\0b" }],
  ["uid", { kind: "get", ...key, uid: "\ud800" }],
  ["uid", { kind: "get", ...key, uid: "é".repeat(129) }],
  ["uid", { kind: "get", ...key, uid: 7 }],
  ["op", undefined],
  ["op", "get"],
  ["owner", { ...set, owner: undefined }],
  ["ttlMs", { ...set, lifetime: "for ever" }],
  ["expected", { kind: "renew", ...key, lifetime }],
  ["kind", { kind: "upsert", ...key }],
  ["opId", { ...set, opId: "elevenchars" }],
  ["opId", { ...set, opId: "" }],
  ["opId", { ...set, opId: "A|b" }],
  ["podIndex", { ...set, owner: { podIndex: -1 } }],
  ["podIndex", { ...set, owner: { podIndex: 65_536 } }],
  ["podIndex", { ...set, kind: "trySet", owner: { podIndex: 1.5 } }],
  ["incarnation", { ...set, owner: { podIndex: 1, incarnation: 0 }, lifetime: "persistent" }],
  ["lifetime", { ...set, owner: { podIndex: 1, incarnation: 5 } }],
  ["lifetime", { ...set, kind: "setIfAbsent", owner: { podIndex: 1, incarnation: 5 } }],
  ["tokenFloor", { ...set, owner: { podIndex: 1, tokenFloor: "-1" } }],
  ["tokenFloor", { ...set, owner: { podIndex: 1, tokenFloor: String(2 ** 53) } }],
  ["ttlMs", { ...set, lifetime: { ttlMs: 0 } }],
  ["ttlMs", { ...set, lifetime: { ttlMs: 0.5 } }],
  ["ttlMs", { ...set, lifetime: {} }],
  ["renew", { ...set, kind: "setIfAbsent", lifetime: "persistent", renew: true }],
  ["expectedToken", { ...set, kind: "replace", expectedToken: "x" }],
  ["expectedToken", { ...set, kind: "replace" }],
  ["expected.podIndex", { kind: "renew", ...key, expected: { podIndex: -1 }, lifetime }],
  ["expected.incarnation", { kind: "remove", ...key, graceMs: 0, expected: { incarnation: -1 } }],
  ["expected.token", { kind: "remove", ...key, graceMs: 0, expected: { token: "01" } }],
  ["graceMs", { kind: "remove", ...key, graceMs: -1 }],
  ["graceMs", { kind: "remove", ...key }],
];

export function badLinkInputTests(subject: Subject<LinkStore>): void {
  describe("bad input", () => {
    test.each(refused)("is refused by %s: %o", async (field, op) => {
      await expectRefused(subject.store.execute(op as LinkOp), field);
    });
  });
}
