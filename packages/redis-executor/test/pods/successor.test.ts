import { expect, test } from "vitest";
import { decodeSuccessor } from "../../src/pods/successor.ts";

test("a life that took the row of another is told by its incarnation and life", () => {
  expect(decodeSuccessor("successor|1700000000000|a%20%C3%BC%7C")).toEqual({
    incarnation: 1_700_000_000_000,
    life: "a ü|",
  });
});

test.each(["", "successor", "successor|5|", "successor|x|a", "successor|5|a|b", "successor|5|%zz", "1\npl:x\n1|1"])(
  "a message that tells of something else is nothing: %j",
  (message) => {
    expect(decodeSuccessor(message)).toBeUndefined();
  },
);
