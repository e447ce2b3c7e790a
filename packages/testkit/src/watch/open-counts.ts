import { createHook } from "node:async_hooks";
import { readdir, readlink } from "node:fs/promises";
import type { Subscription } from "@podlink/types";
import { WATCHED } from "../open/open-resources.ts";

/** How many there are of each type. */
export type OpenCounts = Readonly<Record<string, number>>;

/** What keeps this process running, by Node's names; unref'd things don't. Costs nothing between two readings. */
export function activeResources(): OpenCounts {
  return countsOf(process.getActiveResourcesInfo());
}

/**
 * Counts what is opened from now on, unref'd things too. While it runs every promise of this process costs a little more
 * (async_hooks); so it is not the default.
 */
export function resourcesFromNow(): { read(): OpenCounts } & Subscription {
  const open = new Map<number, string>();
  const hook = createHook({
    init: (asyncId, kind) => {
      if (WATCHED.has(kind)) open.set(asyncId, kind);
    },
    destroy: (asyncId) => void open.delete(asyncId),
  }).enable();
  return {
    read: () => countsOf(open.values()),
    close() {
      hook.disable();
      open.clear();
    },
  };
}

/** What another process has open, on Linux: sockets, pipes, files and the like. @throws Error when it is not there. */
export async function openFilesOf(pid: number): Promise<OpenCounts> {
  const folder = `/proc/${pid}/fd`;
  const links = (await readdir(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => undefined));
  const targets = (await Promise.all(links)).filter((target) => target !== undefined); // undefined: closed meanwhile
  return countsOf(targets.map((target) => (target.startsWith("/") ? "file" : target.replace(/:?\[.*/, ""))));
}

function countsOf(types: Iterable<string>): OpenCounts {
  const counts: Record<string, number> = {};
  for (const type of types) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
