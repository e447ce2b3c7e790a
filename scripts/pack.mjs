// Packs every published package as it is published: built afresh, as pnpm packs it, without failpoints.
// `npm run pack -- <folder>` writes the tarballs there (default: dist), for `npm publish <tarball>`.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { exempt, home, mentions, withoutFailpoints } from "./failpoint-lines.mjs";
import { absolute, workspace } from "./workspace.mjs";

export const published = workspace().filter(({ manifest }) => !manifest.private);

/** @param {string} cwd @param {string} program @param {string[]} args @returns {string} what it printed */
export const run = (cwd, program, ...args) => execFileSync(program, args, { cwd, encoding: "utf8", stdio: "pipe" });

/** All files below a folder, relative to it. @param {string} folder */
export const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

/** @param {string} into where the tarballs go @returns {Map<string, string>} name to tarball */
export function pack(into) {
  const work = mkdtempSync(join(tmpdir(), "podlink-pack-"));
  mkdirSync(into, { recursive: true });
  try {
    // What an earlier build left in dist must not be packed.
    for (const { folder } of published)
      for (const made of ["dist", ".cache"]) rmSync(absolute(`${folder}/${made}`), { recursive: true, force: true });
    run(absolute("."), "tsc", "-b", ...published.map(({ folder }) => folder));
    return new Map(published.map(({ folder, manifest }) => [manifest.name, packOne(folder, { work, into })]));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} folder @param {{ work: string, into: string }} places @returns {string} the tarball */
function packOne(folder, { work, into }) {
  const own = join(work, folder);
  mkdirSync(own, { recursive: true });
  run(absolute(folder), "pnpm", "pack", "--pack-destination", own);
  const [name = ""] = readdirSync(own);
  run(own, "tar", "-xzf", name);
  if (folder !== exempt) takeOut(folder, join(own, "package"));
  // As pnpm made it, nothing is built or generated here.
  run(own, "npm", "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", into, "./package");
  return join(into, name);
}

/** @param {string} folder @param {string} unpacked */
function takeOut(folder, unpacked) {
  for (const file of filesIn(unpacked)) {
    const path = join(unpacked, file);
    const [, name = ""] = /^(?:dist|src)\/(.*)$/.exec(file) ?? [];
    if (folder === home.folder && home.file.test(name)) {
      rmSync(path);
      continue;
    }
    const text = readFileSync(path, "utf8");
    if (!mentions(text)) continue;
    try {
      writeFileSync(path, withoutFailpoints(text));
    } catch (error) {
      throw new Error(`${folder}/${file}: ${/** @type {Error} */ (error).message}`, { cause: error });
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const tarball of pack(resolve(process.argv[2] ?? "dist")).values()) process.stdout.write(`${tarball}\n`);
}
