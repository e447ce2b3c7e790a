import fc from "fast-check";
import { expect, test } from "vitest";
import { linkKey } from "@podlink/types";
import { hashSlotOf } from "../../src/connection/hash-slot.ts";

/** As `CLUSTER KEYSLOT` answers. */
test.each([
  ["123456789", 12_739],
  ["foo", 12_182],
  ["{user1000}.following", 3443],
  ["{user1000}.followers", 3443],
  ["foo{}{bar}", 8363],
  ["foo{{bar}}zap", 4015],
  ["foo{bar}{zap}", 5061],
  ["", 0],
])("the slot of %j is %i", (key, slot) => {
  expect(hashSlotOf(key)).toBe(slot);
  expect(hashSlotOf(key)).toBe(slot);
});

test("users of one bucket share a slot", () => {
  fc.assert(
    fc.property(fc.uuid(), (uid) => {
      const key = linkKey("pl", "prod", uid, 1);
      expect(hashSlotOf(key)).toBe(hashSlotOf("{prod/0}"));
    }),
  );
});
