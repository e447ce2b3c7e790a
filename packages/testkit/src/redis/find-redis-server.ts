import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";

const OLDEST = 7;

/**
 * The path of a redis-server of at least 7.0: what `REDIS_SERVER` names, or `redis-server` in PATH, or the nearest
 * `.tools/redis/redis-server` from this directory upwards.
 * @throws Error saying what to install, or what is wrong with the one that `REDIS_SERVER` names
 */
export function findRedisServer(env: NodeJS.ProcessEnv = process.env, from: string = process.cwd()): string {
  const named = env["REDIS_SERVER"];
  if (named) {
    if (isUsable(named)) return named;
    throw new Error(`REDIS_SERVER names ${named}, which is not a redis-server of ${OLDEST}.0 or newer`);
  }
  const inPath = (env["PATH"] ?? "").split(delimiter).filter(Boolean);
  const found = [
    ...inPath.map((folder) => join(folder, "redis-server")),
    ...upwards(from).map((folder) => join(folder, ".tools", "redis", "redis-server")),
  ].find(isUsable);
  if (found) return found;
  throw new Error(
    `There is no redis-server of ${OLDEST}.0 or newer: install Redis, or set REDIS_SERVER to the path of one`,
  );
}

function upwards(from: string): string[] {
  const above = dirname(from);
  return above === from ? [from] : [from, ...upwards(above)];
}

const known = new Map<string, boolean>();

function isUsable(path: string): boolean {
  const before = known.get(path);
  if (before !== undefined) return before;
  const usable = isExecutable(path) && versionOf(path) >= OLDEST;
  known.set(path, usable);
  return usable;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Its major version; NaN when it doesn't say one. */
function versionOf(path: string): number {
  try {
    const said = execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return Number(/ v=(\d+)\./.exec(said)?.[1]);
  } catch {
    return Number.NaN;
  }
}
