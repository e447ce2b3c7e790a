// Writes lua/src/generated.ts: every script lua/*.lua whole, with what it includes from lua/lib, as checked-in TypeScript.
// `--check` writes nothing and fails when the file differs.
//
// `--- @include "lib/base36"` stands for the text of lua/lib/base36.lua, at its own indentation, once a script: where it
// first stands. Included files may include others. Comments and blank lines stay behind: Redis needs neither.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { absolute } from "./workspace.mjs";

const folder = absolute("lua");
const target = `${folder}/src/generated.ts`;
const include = /^(\s*)--- @include "([\w/-]+)"$/;

/** Reads a file. @param {string} path from lua/, without the suffix */
const textOf = (path) => readFileSync(`${folder}/${path}.lua`, "utf8");

/**
 * The lines of a file with its includes in their places.
 * @param {string} path from lua/, without the suffix
 * @param {{ included: Set<string>, read: (path: string) => string }} script @param {string} indent @returns {string[]}
 */
function linesOf(path, script, indent) {
  return script
    .read(path)
    .split("\n")
    .flatMap((line) => {
      const [, inner = "", name] = include.exec(line) ?? [];
      if (name === undefined) {
        if (/@include/.test(line)) throw new Error(`lua/${path}.lua: not the form of an include: ${line}`);
        return /^\s*(?:--.*)?$/.test(line) ? [] : [indent + line];
      }
      if (script.included.has(name)) return [];
      script.included.add(name);
      return linesOf(name, script, indent + inner);
    });
}

/**
 * The script as Redis gets it.
 * @param {string} name its file's, without the suffix
 * @param {(path: string) => string} [read] gives the text of a file, by its path from lua/ without the suffix; default: reads it
 */
export const sourceOf = (name, read = textOf) => `${linesOf(name, { included: new Set(), read }, "").join("\n")}\n`;

/** What EVALSHA calls it by. @param {string} source */
export const shaOf = (source) => createHash("sha1").update(source).digest("hex");

/** The names of all scripts. */
export const names = () =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".lua"))
    .map((file) => file.slice(0, -".lua".length))
    .toSorted();

/** What lua/src/generated.ts must say. */
export function generated() {
  const scripts = names().map((name) => {
    const source = sourceOf(name);
    const sha = shaOf(source);
    const text = source.replaceAll(/[\\`]|\$\{/g, "\\$&");
    return `  ${name}: {\n    name: "${name}",\n    sha: "${sha}",\n    source: \`${text}\`,\n  },\n`;
  });
  return `// Written by scripts/generate-lua.mjs from lua/*.lua and lua/lib: change those, then run it.
import type { Script } from "./script.ts";

/** The names of the scripts: of their files in lua/. */
export type ScriptName = ${names()
    .map((name) => `"${name}"`)
    .join(" | ")};

/** All scripts by name. */
export const scripts: Readonly<Record<ScriptName, Script>> = {
${scripts.join("")}};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = generated();
  if (!process.argv.includes("--check")) writeFileSync(target, text);
  else if (readFileSync(target, "utf8") !== text) {
    process.stderr.write("lua/src/generated.ts differs from lua/*.lua: run node scripts/generate-lua.mjs\n");
    process.exitCode = 1;
  }
}
