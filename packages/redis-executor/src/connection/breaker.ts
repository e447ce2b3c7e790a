import type { CircuitBreakerPolicy } from "cockatiel";
import {
  CircuitState,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  isBrokenCircuitError,
} from "cockatiel";
import type { RouteError } from "@podlink/types";
import { isSilence } from "./ioredis-errors.ts";

/** So many calls in a row must go unanswered before the next ones are refused at once. */
const FAILURES = 5;
const FIRST_PROBE_MS = 100;
const LAST_PROBE_MS = 2000;

export interface BreakerEvents {
  opened(server: string): void;
  closed(server: string): void;
}

/**
 * One circuit breaker a server: while it does not answer, calls are refused at once instead of each waiting for its deadline,
 * and one of them at a time tries again, after a jittered wait. An answer that refuses is an answer.
 */
export class Breakers {
  readonly #policies = new Map<string, CircuitBreakerPolicy>();
  readonly #silent = new Set<string>();
  readonly #events: BreakerEvents;

  constructor(events: BreakerEvents) {
    this.#events = events;
  }

  /**
   * @param refusal what is thrown while it is open
   * @throws what `work` does
   */
  async run<T>(server: string, work: () => Promise<T>, refusal: () => RouteError): Promise<T> {
    const policy = this.#policyOf(server);
    // Whoever tries is alone: the others don't wait for what becomes of it.
    if (policy.state === CircuitState.HalfOpen) throw refusal();
    try {
      return await policy.execute(work);
    } catch (error) {
      throw isBrokenCircuitError(error) ? refusal() : error;
    }
  }

  /** Servers that have not answered lately. */
  get silent(): readonly string[] {
    return [...this.#silent];
  }

  /** All servers are given another chance: there is a new connection. */
  reset(): void {
    this.#policies.clear();
    this.#silent.clear();
  }

  #policyOf(server: string): CircuitBreakerPolicy {
    const known = this.#policies.get(server);
    if (known !== undefined) return known;
    const policy = circuitBreaker(handleWhen(isSilence), {
      breaker: new ConsecutiveBreaker(FAILURES),
      halfOpenAfter: new ExponentialBackoff({ initialDelay: FIRST_PROBE_MS, maxDelay: LAST_PROBE_MS }),
    });
    policy.onBreak(() => {
      this.#silent.add(server);
      this.#events.opened(server);
    });
    policy.onReset(() => {
      this.#silent.delete(server);
      this.#events.closed(server);
    });
    this.#policies.set(server, policy);
    return policy;
  }
}
