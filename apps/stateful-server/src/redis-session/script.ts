import { createHash } from "node:crypto";

/** A script as Redis keeps it: sent once, then called by its SHA1. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

export function script(name: string, source: string): Script {
  return { name, source, sha: createHash("sha1").update(source).digest("hex") };
}
