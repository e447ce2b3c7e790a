import type { Clock, Logger } from "@podlink/types";
import type { Connection } from "../connection/ports.ts";

/** What the pods' side of the executor works with. */
export interface PodParts {
  readonly connection: Connection;
  /** For deadlines, pauses and how often something is logged; what is stored goes by Redis' own time. */
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  readonly logger: Logger;
  /** What every key begins with. */
  readonly prefix: string;
  /** The load score from which a pod counts as overloaded: crossing it is published at once. */
  readonly overloadScore: number;
  /** Whole milliseconds since 1970 instead of Redis' own time, for tests. Absent: Redis' own. */
  readonly nowMs?: () => number;
}
