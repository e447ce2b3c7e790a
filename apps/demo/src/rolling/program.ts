import { extname } from "node:path";
import type { AppOptions } from "@podlink/testkit";

/** A program of this package, as a source or built, started as this process was. */
export function programOf(path: string, args: readonly string[] = []): NonNullable<AppOptions["node"]> {
  const script = new URL(`${path}${extname(import.meta.url)}`, import.meta.url);
  const execArgv = extname(import.meta.url) === ".ts" ? ["--import", "tsx", "-C", "@podlink/source"] : [];
  return { script, args, execArgv };
}
