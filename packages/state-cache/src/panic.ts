/** A pod that gave no sign of life at the last reading. */
export interface SilentMember {
  /** When its lease is over, or was; Infinity while the readings fail. */
  readonly leaseOverAtMs: number;
  readonly leaseMs: number;
}

/** Fewer pods than this that fall silent together are believed to be dead. */
const FEWEST_SILENT = 3;

/**
 * Since when the store is to be suspected rather than the pods: more than half of those that reported, at least three, fell
 * silent within one lease. The latest such moment, by the ends of their leases, which may be still to come; worked out
 * from the pods alone: a caller that looks late comes to the same answer. Absent: there was none since these fell silent.
 *
 * Slides a window of one lease over the moments; the pods silent before it no longer count as pods.
 */
export function panicSinceMs(pods: readonly SilentMember[], reporting: number): number | undefined {
  if (pods.length < FEWEST_SILENT) return undefined;
  const silent = pods.toSorted((a, b) => a.leaseOverAtMs - b.leaseOverAtMs || 0);
  let beganAtMs: number | undefined;
  let first = 0;
  for (const [last, { leaseOverAtMs: momentMs, leaseMs }] of silent.entries()) {
    while (momentMs - silent[first]!.leaseOverAtMs > leaseMs) first += 1;
    const within = last - first + 1;
    const reportedBefore = reporting + silent.length - first;
    if (within < FEWEST_SILENT || within * 2 <= reportedBefore) continue;
    // One long panic, not a new one with each pod that follows.
    if (beganAtMs === undefined || momentMs - beganAtMs > leaseMs) beganAtMs = momentMs;
  }
  return beganAtMs;
}
