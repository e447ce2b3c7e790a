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

/** Watches the calls of one server. */
export class Breaker {
  readonly #policy: CircuitBreakerPolicy;
  /** It is closed, and no call has gone unanswered since one was answered: there is nothing to be counted or refused. */
  isCalm = true;

  constructor(policy: CircuitBreakerPolicy) {
    this.#policy = policy;
    // Also when an answer came while the last silence was being counted.
    policy.onBreak(() => (this.isCalm = false));
  }

  /**
   * @param refusal what is thrown while it is open
   * @throws what `work` does
   */
  async run<T>(work: () => Promise<T>, refusal: () => RouteError): Promise<T> {
    // One call tries, the others don't wait for what becomes of it.
    if (this.#policy.state === CircuitState.HalfOpen) throw refusal();
    try {
      const answer = await this.#policy.execute(work);
      // Asked before it opened, it proves nothing: only the call that tries closes it.
      if (this.#policy.state === CircuitState.Closed) this.isCalm = true;
      return answer;
    } catch (error) {
      if (isSilence(error)) this.isCalm = false;
      throw isBrokenCircuitError(error) ? refusal() : error;
    }
  }

  /** A call that began while it was calm, and was not run by it, was answered. */
  answered(): void {
    if (this.isCalm || this.#policy.state !== CircuitState.Closed) return;
    this.isCalm = true;
    void this.#policy.execute(nothing);
  }

  /** The same, and it failed. Resolves when that is counted. */
  async failed(error: unknown): Promise<void> {
    if (!isSilence(error) || this.#policy.state !== CircuitState.Closed) return;
    this.isCalm = false;
    // As late as an answer, or it would count before one that came first.
    const counted = this.#policy.execute(async () => {
      throw error;
    });
    await counted.catch(nothing);
  }
}

const nothing = (): void => undefined;

/**
 * One circuit breaker a server: while it does not answer, calls are refused at once instead of each waiting for its deadline,
 * and one of them at a time tries again, after a jittered wait. An answer that refuses is an answer.
 */
export class Breakers {
  readonly #breakers = new Map<string, Breaker>();
  readonly #silent = new Set<string>();
  readonly #events: BreakerEvents;

  constructor(events: BreakerEvents) {
    this.#events = events;
  }

  /** Servers that have not answered lately. */
  get silent(): readonly string[] {
    return [...this.#silent];
  }

  /** All servers are given another chance: there is a new connection. */
  reset(): void {
    this.#breakers.clear();
    this.#silent.clear();
  }

  of(server: string): Breaker {
    const known = this.#breakers.get(server);
    if (known !== undefined) return known;
    const policy = circuitBreaker(handleWhen(isSilence), {
      breaker: new ConsecutiveBreaker(FAILURES),
      halfOpenAfter: new ExponentialBackoff({ initialDelay: FIRST_PROBE_MS, maxDelay: LAST_PROBE_MS }),
    });
    const made = new Breaker(policy);
    this.#breakers.set(server, made);
    // Calls that began before a new connection still report to the one they began with.
    const isCurrent = (): boolean => this.#breakers.get(server) === made;
    policy.onBreak(() => {
      if (!isCurrent()) return;
      this.#silent.add(server);
      this.#events.opened(server);
    });
    policy.onReset(() => {
      if (!isCurrent()) return;
      this.#silent.delete(server);
      this.#events.closed(server);
    });
    return made;
  }
}
