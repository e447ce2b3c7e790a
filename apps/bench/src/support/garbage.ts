import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
/** Collects all garbage now. */
export const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes in use on the heap and in typed arrays, garbage left out. */
export function usedBytes(): number {
  collectGarbage();
  collectGarbage(); // finalizers of the first may free more
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
