import type { Holder } from "@podlink/types";
import type { Refused } from "./answers.ts";
import { refusal } from "./answers.ts";
import type { PodContext } from "./context.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Lease } from "./lease.ts";
import type { Registration } from "./registration.ts";

/** Whether this pod may hold and claim links at all, asked before a claim is sent and again after its answer. */
export class Authority {
  readonly #context: PodContext;
  readonly #registration: Registration;
  readonly #lease: Lease;
  readonly #heartbeat: Heartbeat;
  #closed = false;
  #shut = false;

  constructor(context: PodContext, registration: Registration, lease: Lease, heartbeat: Heartbeat) {
    this.#context = context;
    this.#registration = registration;
    this.#lease = lease;
    this.#heartbeat = heartbeat;
  }

  /** Nothing is served any more: closed for good (stopped, superseded). */
  close(): void {
    this.#closed = true;
  }

  /** Nothing is served while the application says Failed or Shutdown. */
  setShut(shut: boolean): void {
    this.#shut = shut;
  }

  get isShut(): boolean {
    return this.#shut;
  }

  get isClosed(): boolean {
    return this.#closed || this.#shut;
  }

  /** The incarnation under which claims are made now. Absent: none may be made. */
  get incarnation(): number | undefined {
    return this.#heartbeat.mustRegister ? undefined : this.#registration.identity?.incarnation;
  }

  /** Whether a link names a later life of this pod than this one: then it is not ours to touch. */
  isLaterLife({ podIndex, incarnation = 0 }: Holder): boolean {
    const own = this.#registration.identity;
    return own !== undefined && podIndex === own.podIndex && incarnation > own.incarnation;
  }

  /** Whether a link names this very life of the pod. */
  isOwnLife({ podIndex, incarnation }: Holder): boolean {
    const own = this.#registration.identity;
    return own !== undefined && podIndex === own.podIndex && incarnation === own.incarnation;
  }

  /** Why nothing may be claimed now. Undefined: it may be. Reads the clocks. */
  refusesClaims(): Refused | undefined {
    const retryAfterMs = this.#context.settings.heartbeatIntervalMs;
    if (this.isClosed) return refusal("stopped");
    if (this.#registration.identity === undefined) return refusal("unavailable", { retryAfterMs });
    if (this.#lease.standing() !== "held" || this.#heartbeat.mustRegister) return refusal("fenced", { retryAfterMs });
    const { claimAfterMs } = this.#registration;
    return claimAfterMs > 0 ? refusal("unavailable", { retryAfterMs: claimAfterMs }) : undefined;
  }
}
