import type { Figures } from "./figures.ts";
import type { Mark, Phase } from "./phases.ts";
import type { SocketsReport } from "./sockets/sockets-report.ts";
import type { TimelineRow } from "./timeline.ts";
import type { UsersReport } from "./users.ts";

/** Everything that a load has to say, as plain JSON. Times are in milliseconds from its start. */
export interface LoadReport {
  /** When it started, as ISO 8601. */
  readonly startedAt: string;
  /** From the start to now, or to the end. */
  readonly lastedMs: number;
  readonly ratePerSecond: number;
  readonly arrivals: "constant" | "poisson";
  readonly seed: number;
  /** The whole load. */
  readonly figures: Figures;
  readonly marks: readonly Mark[];
  /** From each mark to the next. */
  readonly phases: readonly Phase[];
  readonly timelineMs: number;
  readonly timeline: readonly TimelineRow[];
  /** Rows, the oldest, that were dropped to bound the report. */
  readonly droppedRows: number;
  /** Why attempts ended badly, `503 POD_UNAVAILABLE` say, and how many did; kinds after the first 50 are `others`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The first ten requests that failed, in words. */
  readonly failures: readonly string[];
  readonly users: UsersReport;
  /** Absent: there were no sockets. */
  readonly sockets?: SocketsReport;
}
