import { readdirSync, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { generated, names, sourceOf } from "../../scripts/generate-lua.mjs";
import { scripts } from "../src/index.ts";

const folder = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, folder), "utf8");

test("the checked-in TypeScript is what the Lua files say: else run node scripts/generate-lua.mjs", () => {
  expect(read("src/generated.ts")).toBe(generated());
});

test("fault 4: scripts ship whole: nothing that they include is left out, and each has the hash of its source", () => {
  expect(Object.keys(scripts)).toEqual(names());
  for (const { name, source, sha } of Object.values(scripts)) {
    expect(source).toBe(sourceOf(name));
    expect(source).not.toContain("@include");
    expect(sha).toBe(createHash("sha1").update(source).digest("hex"));
  }
});

test("nothing in lib is left over", () => {
  const all = [...names().map((name) => `${name}.lua`), ...files("lib")].map(read).join("\n");
  const included = Array.from(all.matchAll(/--- @include "([^"]+)"/g), ([, name = ""]) => `${name}.lua`);
  expect(files("lib").filter((file) => !included.includes(file))).toEqual([]);
});

describe.each(names())("%s", (name) => {
  const text = read(`${name}.lua`);
  test("says above everything else what it does, takes, returns and changes", () => {
    const header = text.slice(0, text.search(/^(?:[^-#\n]|--- @include)/m));
    for (const part of [/KEYS/, /ARGV/, /Returns|Answers/, /\{ .* \}/s]) expect(header).toMatch(part);
  });

  test("touches declared keys only", () => {
    expect(scripts[name as keyof typeof scripts].source).not.toMatch(/redis\.p?call\('\w+', '(?!self-test)/);
  });
});

test.each(files("lib"))("%s says what it is for before its first function", (file) => {
  const text = read(file);
  expect(text.slice(0, text.indexOf("function "))).toMatch(/^-- \S/m);
});

test("what makes new keys or grows them is refused by a full Redis; what frees is let pass", () => {
  const allowed = (name: keyof typeof scripts) => scripts[name].source.startsWith("#!lua flags=allow-oom\n");
  expect([allowed("linkOps"), allowed("register"), allowed("linkOpsFreeing")]).toEqual([false, false, true]);
});

test.each(["linkOps", "linkOpsFreeing"] as const)("%s never raises with a caller's text", (name) => {
  const raised = Array.from(scripts[name].source.matchAll(/error\((.*?)\)|error_reply\((.*?)\)/g), ([, what]) => what);
  expect(raised.every((what) => what === "reply")).toBe(true);
});

function files(path: string): string[] {
  return readdirSync(new URL(path, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".lua"))
    .map((file) => `${path}/${file}`)
    .toSorted();
}
