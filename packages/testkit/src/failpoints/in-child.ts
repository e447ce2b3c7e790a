import { extname } from "node:path";
import { parseFailpoints, VARIABLE } from "./environment.ts";

/** What a Node process is started with. */
export interface ChildStart {
  /** Words for node itself, before the program; of several `--import` the last, so that what loads TypeScript comes first. */
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** This package's, as a source or built. */
const program = new URL(`./register${extname(import.meta.url)}`, import.meta.url).href;

/**
 * What a process is started with so that these failpoints are on in it from its first line, whatever its working directory.
 * @param points as in PODLINK_FAILPOINTS: `after-remove=exit;before-claim=2*throw`
 * @throws RouteError CONFIG naming the part that is wrong, here and not there
 */
export function failpointsInChild(points: string): ChildStart {
  parseFailpoints(points);
  return { execArgv: ["--import", program], env: { [VARIABLE]: points } };
}
