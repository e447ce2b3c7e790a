import { expect, test } from "vitest";
import { decodeRegistration } from "../../src/pods/registration-message.ts";

test("a registration is told by its incarnation and life", () => {
  expect(decodeRegistration("registered|1700000000000|a%20%C3%BC%7C")).toEqual({
    incarnation: 1_700_000_000_000,
    life: "a ü|",
  });
});

test.each([
  "",
  "registered",
  "registered|5|",
  "registered|x|a",
  "registered|5|a|b",
  "registered|5|%zz",
  "1\npl:x\n1|1",
])("a message that tells of something else is nothing: %j", (message) => {
  expect(decodeRegistration(message)).toBeUndefined();
});
