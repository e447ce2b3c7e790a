import type { Figures } from "@podlink/types";

/** Plain numbers that a proxy counts; nothing reads them but `read()`. */
export class ProxyCounters {
  requests = 0;
  /** Sent once more after a 421. */
  repeats = 0;
  /** Not sent once more: the 421 taught nothing, and such repeats were beyond their share. */
  repeatsRefused = 0;
  /** Refused by the second pod too, or after more of the body went out than was kept. */
  refusedForGood = 0;
  /** Failed before a pod was asked. */
  unresolved = 0;
  unreached = 0;
  timeouts = 0;
  broken = 0;
  /** Given up because the pod that was to answer is gone. */
  podEnded = 0;
  /** Given up by the caller. */
  aborted = 0;
  /** Waiting now for a pod that takes them. */
  holding = 0;
  /** Held at least once. */
  held = 0;
  /** Tries of held requests. */
  heldTries = 0;
  loops = 0;
  upgrades = 0;
  /** WebSockets that lost their pod and went on at another, or at its next life. */
  socketsMoved = 0;
  /** WebSockets that were told to come back, with 1012. */
  socketsRestarted = 0;

  read(): Figures {
    return Object.fromEntries(Object.entries(this));
  }
}
