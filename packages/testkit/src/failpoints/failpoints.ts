import { all, hit, put, take } from "./board.ts";
import type { FailpointContext, FailpointOptions } from "./options.ts";
import { checkOptions } from "./options.ts";
import type { FailpointName, OwnFailpointName } from "./points.ts";
import { checkName } from "./points.ts";
import type { Announce, Failpoint } from "./registration.ts";
import { Registration } from "./registration.ts";

/** Makes something happen at named points of podlink's code, and of yours, in this process. */
export const failpoints = {
  /**
   * From now on, at this point. Several at one point happen one after the other.
   * @throws RouteError INVALID_ARGUMENT for an unknown name, or a bad or unknown option
   */
  on(name: FailpointName, options: FailpointOptions): Failpoint {
    return register(name, options);
  },

  /** Ends all of them: for `afterEach`. */
  clear(): void {
    for (const registration of all()) registration.end();
  },
};

/**
 * A point in your own code, where tests of it make a fault happen. `await` it in asynchronous code; elsewhere it can throw,
 * run and exit, but nothing waits. Does nothing where none was asked for.
 */
export function failpoint(name: OwnFailpointName, context: FailpointContext = {}): Promise<void> | undefined {
  return hit(name, context);
}

/** @param announce hears of each call that is met, before anything happens to it */
export function register(name: FailpointName, options: FailpointOptions, announce?: Announce): Failpoint {
  checkOptions(checkName(name), options);
  const registration = new Registration(name, options, { onEnd: take, announce });
  put(registration);
  return registration;
}
