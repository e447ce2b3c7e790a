import { expect, it } from "vitest";
import { readArguments } from "../src/arguments.ts";

const read = (...args: string[]) => readArguments(args, () => 77);

it("ten minutes and a seed of chance, unless said", () => {
  expect(read()).toEqual({ seed: 77, durationMs: 600_000, users: 2000, ratePerSecond: 120, holdMs: 2000, list: false });
  expect(read("--seconds", "90", "--seed", "5", "--json", "x.json")).toMatchObject({
    durationMs: 90_000,
    seed: 5,
    json: "x.json",
  });
});

it.each([
  [["--seconds", "5"], /--seconds: a whole number from 60 to 86400 is needed, not "5"/],
  [["--minutes", "1.5"], /--minutes: a whole number/],
  [["--minutes", "1", "--seconds", "90"], /one or the other/],
  [["--seed", "-1"], /--seed/],
  [["--seed", "x"], /--seed: a whole number from 0/],
  [["--hold", "1s"], /--hold: a whole number/],
  [["--json", ""], /--json: a path is needed/],
  [["--planted", "x"], /--planted: there are unstored, keys-ignored/],
  [["--sed", "1"], /Unknown option '--sed'/],
  [["90"], /Unexpected argument '90'/],
])("%j is refused, and why is said", (args, why) => {
  expect(() => read(...args)).toThrow(why);
});
