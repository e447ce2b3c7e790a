import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentMap } from "../../src/watch/recent-map.ts";

test("it holds what was used last, and counts what it forgot, like a list kept by hand", () => {
  const step = fc.record({ kind: fc.constantFrom("set", "get", "delete"), key: fc.nat(6) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
      const map = new RecentMap<number, object>(limit);
      let byUse: number[] = [];
      let forgotten = 0;
      for (const { kind, key } of steps) {
        const known = byUse.includes(key);
        if (kind === "get") expect(map.get(key) !== undefined).toBe(known);
        if (kind === "set") map.set(key, {});
        if (kind === "delete") map.delete(key);
        byUse = byUse.filter((used) => used !== key);
        if (kind === "set" || (kind === "get" && known)) byUse.push(key);
        if (byUse.length > limit) {
          byUse.shift();
          forgotten += 1;
        }
        expect(Array.from(map.keys())).toEqual(byUse);
        expect([map.size, map.forgotten]).toEqual([byUse.length, forgotten]);
      }
    }),
  );
});
