import type { Logger } from "./ports/logger.ts";
import type { RouteObserver, Scope } from "./ports/observation.ts";

/** The observer behind a guard: what it throws is logged and harms nobody. Absent stays absent. */
export function guardedObserver(observer: RouteObserver | undefined, logger: Logger): RouteObserver | undefined {
  if (observer === undefined) return undefined;
  const safely = <T>(act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      logger.error({ error: error instanceof Error ? error.message : String(error) }, "the observer threw");
      return undefined;
    }
  };
  const guarded = (scope: Scope): Scope => ({ end: (error) => safely(() => scope.end(error)) });
  return {
    start(operation) {
      const scope = safely(() => observer.start(operation));
      return scope === undefined ? undefined : guarded(scope);
    },
    event: (event) => safely(() => observer.event(event)),
  };
}
