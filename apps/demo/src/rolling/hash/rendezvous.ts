import { createHash } from "node:crypto";

/** The pod of a user among those that are there: when one leaves, only its own users move (rendezvous hashing). */
export function rendezvous(uid: string, pods: readonly string[]): string | undefined {
  let best: { readonly pod: string; readonly weight: string } | undefined;
  for (const pod of pods) {
    const weight = createHash("sha1").update(`${pod} ${uid}`).digest("hex");
    if (best === undefined || weight > best.weight) best = { pod, weight };
  }
  return best?.pod;
}
