import type { Successor } from "@podlink/types";

/** `successor|<incarnation>|<life>`, as lua/lib/pods/publishSuccessor publishes it; life is percent-encoded. */
const MESSAGE = /^successor\|(\d+)\|([A-Za-z0-9._%-]+)$/;

/** The life that took the row of another, as a message tells it. Undefined: not such a message. */
export function decodeSuccessor(message: string): Successor | undefined {
  const [, incarnation, life] = MESSAGE.exec(message) ?? [];
  if (incarnation === undefined || life === undefined) return undefined;
  try {
    return Object.freeze({ incarnation: Number(incarnation), life: decodeURIComponent(life) });
  } catch {
    return undefined; // not written by a script of ours
  }
}
