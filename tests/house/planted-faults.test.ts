import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { faults } from "../../scripts/planted-faults/faults.mjs";
import { patched } from "../../scripts/planted-faults/plugin.mjs";
import { absolute } from "../../scripts/workspace.mjs";

test.each(faults)("$name fits the sources as they are now, and changes them", ({ patches }) => {
  for (const patch of patches) {
    const source = readFileSync(absolute(patch.file), "utf8");
    expect(patched(source, patch)).not.toBe(source);
  }
});

test("a patch whose text isn't there, or is there too often, is refused", () => {
  const patch = { file: "x.ts", find: "a", replace: "b" };
  expect(patched("cat", patch)).toBe("cbt");
  expect(() => patched("dog", patch)).toThrow("x.ts has 0 times, not 1");
  expect(() => patched("data", patch)).toThrow("x.ts has 2 times, not 1");
});

test("there are ten at least, each of another name", () => {
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
  expect(faults.length).toBeGreaterThanOrEqual(10);
});
