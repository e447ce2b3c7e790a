import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { drainPromises } from "../clock/drain-promises.ts";

let gc: (() => void) | undefined;

/** Collects all garbage of this process, started with --expose-gc or not, twice: what the first round finalised, too. */
export async function collectGarbage(): Promise<void> {
  if (gc === undefined) {
    setFlagsFromString("--expose-gc");
    gc = runInNewContext("gc") as () => void;
  }
  gc();
  await drainPromises();
  gc();
}
