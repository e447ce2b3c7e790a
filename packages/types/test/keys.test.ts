import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketOf, encodeKeyPart, linkKey, namespaceKey, serviceKey } from "../src/index.ts";

/** Any well-formed text, with many of the characters that have a meaning in keys. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom("{", "}", "/", "%", ":", "*", "7", "D", "a", ".", "\0"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 24,
});

describe("the encoding of keys", () => {
  it("fault 15: no two uids share a key, whatever they contain", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(encodeKeyPart(a) === encodeKeyPart(b)).toBe(a === b);
        expect(decodeURIComponent(encodeKeyPart(a))).toBe(a);
      }),
      { numRuns: 2000 },
    );
  });

  it("fault 15: no two (namespace, uid) share a key, wherever the border between them falls", () => {
    fc.assert(
      fc.property(text, text, text, text, (namespaceA, uidA, namespaceB, uidB) => {
        const same = namespaceA === namespaceB && uidA === uidB;
        expect(linkKey("pl", namespaceA, uidA, 64) === linkKey("pl", namespaceB, uidB, 64)).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  it("no uid reaches the hash slot or the key of another kind", () => {
    fc.assert(
      fc.property(text, (uid) => {
        const key = linkKey("pl", "prod", uid, 64);
        expect(key).toMatch(/^pl:\{prod\/\d+\}[A-Za-z0-9._%-]*$/);
      }),
    );
  });

  it("a}b, a/b and a%7Db are three users", () => {
    expect(new Set(["a}b", "a/b", "a%7Db"].map((uid) => encodeKeyPart(uid))).size).toBe(3);
  });

  it("names a service's and a namespace's keys in one slot each", () => {
    expect(serviceKey("pl", "prod", "room", "pods")).toBe("pl:{prod/room}:pods");
    expect(namespaceKey("pl", "prod", "tags")).toBe("pl:{prod}:tags");
  });
});

describe("buckets", () => {
  it("are FNV-1a of the UTF-8 bytes: known values", () => {
    // From the reference test vectors of the Fowler/Noll/Vo hash, 32 bits, 1a.
    expect(bucketOf("", 2 ** 32)).toBe(0x811c9dc5);
    expect(bucketOf("a", 2 ** 32)).toBe(0xe40c292c);
    expect(bucketOf("foobar", 2 ** 32)).toBe(0xbf9cf968);
  });

  it("do not depend on how a text is written: ASCII and other characters take one definition", () => {
    const slow = (uid: string): number => {
      let hash = 0x811c9dc5;
      for (const byte of new TextEncoder().encode(uid)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
      return hash % 64;
    };
    fc.assert(
      fc.property(text, (uid) => {
        expect(bucketOf(uid, 64)).toBe(slow(uid));
      }),
    );
  });

  it("spread users evenly", () => {
    const counts = Array.from({ length: 64 }, () => 0);
    for (let user = 0; user < 64_000; user += 1) {
      const bucket = bucketOf(`user-${user}`, 64);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(Math.max(...counts)).toBeLessThan(1200);
    expect(Math.min(...counts)).toBeGreaterThan(800);
  });
});
