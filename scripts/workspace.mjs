// The packages of this workspace, read from their folders.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

/** @param {string} path */
export const absolute = (path) => fileURLToPath(new URL(path, root));

/** @param {string} parent */
const children = (parent) => readdirSync(absolute(parent)).map((name) => `${parent}/${name}`);

/**
 * @typedef {{
 *   name: string, private?: boolean, exports?: Record<string, Record<string, string>>,
 *   publishConfig?: { exports?: Record<string, Record<string, string>> },
 *   dependencies?: Record<string, string>, devDependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string>,
 * }} Manifest
 */

/** @param {string} path @returns {any} */
const readJson = (path) => JSON.parse(readFileSync(absolute(path), "utf8"));

/** @returns {{ folder: string, manifest: Manifest }[]} folders as pnpm-workspace.yaml names them, relative to the root */
export const workspace = () =>
  ["lua", ...["packages", "packages/observability", "apps"].flatMap(children)]
    .filter((folder) => existsSync(absolute(`${folder}/package.json`)))
    .map((folder) => ({ folder, manifest: readJson(`${folder}/package.json`) }));
