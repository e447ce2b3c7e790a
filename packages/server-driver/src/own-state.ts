import type { PodAddress, PodReport, RoutingState, ServiceState } from "@podlink/types";
import { checkAddress, refuse } from "@podlink/types";
import type { PodContext } from "./context.ts";
import { CpuShare, loadScoreOf } from "./load-score.ts";

/** What an application may say of itself. */
export type SettableServiceState = "Ready" | "NotReady" | "Failed" | "Pending";
export type SettableRoutingState = "Ready" | "DenyNewCall" | "Shutdown";

const SERVICE_STATES: readonly string[] = ["Ready", "NotReady", "Failed", "Pending"];
const ROUTING_STATES: readonly string[] = ["Ready", "DenyNewCall", "Shutdown"];

/** How this pod's way out looks from outside. */
export type WayOut = "none" | "draining" | "leaving";

/** What the application says of this pod, and the report made of it. */
export class OwnState {
  readonly #context: PodContext;
  readonly #cpu: CpuShare;
  #serviceState: ServiceState = "Pending";
  #routingState: RoutingState = "Ready";
  #loadState = 0;
  /** The last report, which the next one differs from in a few places. */
  #reported: PodReport;
  /** Set by the stop. */
  wayOut: WayOut = "none";
  #reportedOverload = false;

  constructor(context: PodContext) {
    this.#context = context;
    this.#cpu = new CpuShare(context.clock);
    const { leaseMs, weight, metadata, zone, version, address } = context.settings;
    this.#reported = {
      serviceState: this.#serviceState,
      routingState: this.#routingState,
      loadState: this.#loadState,
      loadScore: 0,
      linkCount: 0,
      leaseMs,
      weight,
      metadata,
      ...(address === undefined ? undefined : { address }),
      ...(zone === undefined ? undefined : { zone }),
      ...(version === undefined ? undefined : { version }),
    };
  }

  get serviceState(): ServiceState {
    return this.#serviceState;
  }

  get routingState(): RoutingState {
    if (this.wayOut === "none") return this.#routingState;
    return this.wayOut === "leaving" || this.#routingState === "Shutdown" ? "Shutdown" : "DenyNewCall";
  }

  get loadState(): number {
    return this.#loadState;
  }

  /** Failed and Shutdown: nothing is served. */
  get isShut(): boolean {
    return this.#serviceState === "Failed" || this.#routingState === "Shutdown";
  }

  /** True when it changed. @throws RouteError INVALID_ARGUMENT */
  setServiceState(state: SettableServiceState): boolean {
    if (!SERVICE_STATES.includes(state)) refuse("serviceState", "Ready, NotReady, Failed or Pending", state);
    const changed = this.#serviceState !== state;
    this.#serviceState = state;
    return changed;
  }

  /** True when it changed. @throws RouteError INVALID_ARGUMENT */
  setRoutingState(state: SettableRoutingState): boolean {
    if (!ROUTING_STATES.includes(state)) refuse("routingState", "Ready, DenyNewCall or Shutdown", state);
    const changed = this.#routingState !== state;
    this.#routingState = state;
    return changed;
  }

  /** True when it made the pod overloaded, or not any more. @throws RouteError INVALID_ARGUMENT */
  setLoadState(loadState: number): boolean {
    if (!(typeof loadState === "number" && Number.isFinite(loadState) && loadState >= 0)) {
      refuse("loadState", "a finite number of at least 0", loadState);
    }
    this.#loadState = loadState;
    return this.#isOverloaded(this.#loadScore()) !== this.#reportedOverload;
  }

  /** @throws RouteError INVALID_ARGUMENT */
  setAddress(address: PodAddress): void {
    this.#reported = { ...this.#reported, address: checkAddress(address) };
  }

  /** @param mayClaim false: whatever the application says, the pod is not ready for users yet. */
  report(mayClaim: boolean, linkCount: number): PodReport {
    const loadScore = this.#loadScore();
    this.#reportedOverload = this.#isOverloaded(loadScore);
    this.#reported = {
      ...this.#reported,
      serviceState: mayClaim || this.#serviceState === "Failed" ? this.#serviceState : "Pending",
      routingState: this.routingState,
      loadState: this.#loadState,
      loadScore,
      linkCount,
    };
    return this.#reported;
  }

  #loadScore(): number {
    return loadScoreOf(this.#cpu.read(), this.#loadState, this.#context.settings);
  }

  #isOverloaded(loadScore: number): boolean {
    return loadScore >= this.#context.settings.overloadScore;
  }
}
