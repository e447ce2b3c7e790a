import type { Operation, RouteEvent, RouteObserver } from "@podlink/types";

export interface RecordedScope {
  readonly operation: Operation;
  /** How often it was ended: exactly once is right. */
  readonly ends: number;
  /** What it ended with. Absent: success, or still running. */
  readonly error?: unknown;
}

/** An observer that keeps what it saw. */
export interface RecordingObserver extends RouteObserver {
  readonly events: readonly RouteEvent[];
  readonly scopes: readonly RecordedScope[];
  /** The events of one kind, in order. */
  eventsOf<K extends RouteEvent["kind"]>(kind: K): Extract<RouteEvent, { kind: K }>[];
}

export function recordingObserver(): RecordingObserver {
  const events: RouteEvent[] = [];
  const scopes: { operation: Operation; ends: number; error?: unknown }[] = [];
  return {
    events,
    scopes,
    eventsOf: <K extends RouteEvent["kind"]>(kind: K) =>
      events.filter((event): event is Extract<RouteEvent, { kind: K }> => event.kind === kind),
    event: (event) => void events.push(event),
    start(operation) {
      const scope: { operation: Operation; ends: number; error?: unknown } = { operation, ends: 0 };
      scopes.push(scope);
      return {
        end(error) {
          scope.ends += 1;
          if (error !== undefined) scope.error = error;
        },
      };
    },
  };
}
