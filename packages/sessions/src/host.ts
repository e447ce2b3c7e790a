import type { ServerDriver } from "@podlink/server-driver";

/** What sessions need of a pod: a ServerDriver fits. */
export type SessionHost = Pick<
  ServerDriver,
  "enter" | "claimAgain" | "removeLinkedPod" | "onPeriod" | "onHandOff" | "state"
>;
