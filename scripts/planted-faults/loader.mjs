// Preloaded before tsx (`--import`), this plants faults into the sources that a process loads; the files themselves stay as they are.
// PLANTED_PATCHES says which: JSON of Patch[], as faults.mjs has them.
import { readFile } from "node:fs/promises";
import { register } from "node:module";
import { pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";
import { absolute } from "../workspace.mjs";
import { patched } from "./plugin.mjs";

/** @type {import("./faults.mjs").Patch[]} */
const patches = JSON.parse(process.env["PLANTED_PATCHES"] ?? "[]");
if (isMainThread) register(import.meta.url); // in the thread of the loaders it is loaded once more

/**
 * tsx asks it for the text that it then translates.
 * @type {import("node:module").LoadHook}
 */
export async function load(url, context, nextLoad) {
  const [path = ""] = url.split("?", 1);
  const here = patches.filter(({ file }) => pathToFileURL(absolute(file)).href === path);
  if (here.length === 0) return nextLoad(url, context);
  const source = here.reduce(patched, await readFile(new URL(path), "utf8"));
  return { format: "module", source, shortCircuit: true };
}
