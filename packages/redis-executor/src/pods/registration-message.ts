import type { RegisteredLife } from "@podlink/types";

/** `registered|<incarnation>|<life>`, as lua/lib/pods/publishRegistration publishes it; life is percent-encoded. */
const MESSAGE = /^registered\|(\d+)\|([A-Za-z0-9._%-]+)$/;

/** The registration that a message tells of. Undefined: not such a message. */
export function decodeRegistration(message: string): RegisteredLife | undefined {
  const [, incarnation, life] = MESSAGE.exec(message) ?? [];
  if (incarnation === undefined || life === undefined) return undefined;
  try {
    return Object.freeze({ incarnation: Number(incarnation), life: decodeURIComponent(life) });
  } catch {
    return undefined; // not written by a script of ours
  }
}
