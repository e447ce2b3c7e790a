import type { CallOptions, PodIdentity, PodRow } from "@podlink/types";
import type { PodContext } from "./context.ts";

/** Another pod of the service, as the routes see it now. */
export interface Peer {
  readonly row: PodRow;
  readonly alive: boolean;
  readonly available: boolean;
}

/** The pods of one service, as long as they are followed; `FollowedRoutes` of @podlink/route-info-driver fits. */
export interface FollowedPeers {
  /**
   * The pod for a new link. `except`: not that one; `restartedBefore`: rather one that a rolling restart came to before
   * that one. Undefined: nobody can take it.
   */
  best(options?: {
    readonly except?: number;
    readonly restartedBefore?: Pick<PodIdentity, "podIndex" | "incarnation">;
  }): { readonly row: PodRow } | undefined;
  readonly cache: {
    /** As last read; empty when nothing has been. */
    pods(): readonly Peer[];
    /** Resolves after a reading that began after this call; from the first on, even one that fails, the pods are kept up to date. */
    refresh(call?: CallOptions): Promise<void>;
  };
  /** Ends all that following takes. */
  close(): void;
}

/** All that a pod needs to know of the others; a `RouteInfoDriver` fits. */
export interface Peers {
  /** Those of a service, for this pod alone. */
  follow(service: string): FollowedPeers;
}

/**
 * Who else could take a user of this pod, as the routes see it; read anew before it is said that nobody can. They are followed
 * from the first question to the next `rest`: if all pods of a service followed all of them, readings and messages
 * would grow with the square of the pods.
 */
export class OtherPods {
  readonly #context: PodContext;
  readonly #routes: Peers;
  #followed: FollowedPeers | undefined;
  #reading: Promise<void> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: PodContext, routes: Peers) {
    this.#context = context;
    this.#routes = routes;
  }

  /** The pods as last read. Undefined: they could not be, since not even this one is among them. Never rejects. */
  async view(): Promise<readonly Peer[] | undefined> {
    if (!this.#seesItself()) await this.#read();
    return this.#seesItself() ? this.#pods() : undefined;
  }

  /** Whether any other pod takes new users, overloaded or not. Chooses none. Never rejects. */
  async exist(): Promise<boolean> {
    if (!this.#exist()) await this.#read();
    return this.#exist();
  }

  /**
   * The best of them, as last read, rather one that a rolling restart came to before this life of the pod. Counts as a
   * placement there.
   */
  best(incarnation: number | undefined): PodRow | undefined {
    const { podIndex } = this.#context.name;
    const best = this.#followed?.best({
      except: podIndex,
      ...(incarnation === undefined ? undefined : { restartedBefore: { podIndex, incarnation } }),
    });
    // The best may be a pod that is draining too: no use in moving anybody there.
    return best !== undefined && this.#takesNewUsers(best.row) ? best.row : undefined;
  }

  /** Nobody needs them now. A pod that has ended asks nothing any more, so that this is for good then. */
  rest(): void {
    this.#followed?.close();
    this.#followed = undefined;
    this.#reading = undefined;
  }

  #pods(): readonly Peer[] {
    return this.#followed?.cache.pods() ?? [];
  }

  #exist(): boolean {
    return this.#pods().some((pod) => pod.available && this.#takesNewUsers(pod.row));
  }

  #takesNewUsers(row: PodRow): boolean {
    return row.podIndex !== this.#context.name.podIndex && row.routingState === "Ready";
  }

  #seesItself(): boolean {
    return this.#pods().some((pod) => pod.row.podIndex === this.#context.name.podIndex);
  }

  /** At most one that works in a heartbeat's time, shared by all who ask. */
  #read(): Promise<void> {
    const { clock, settings, name } = this.#context;
    const nowMs = clock.nowMs();
    if (this.#reading === undefined || nowMs - this.#readAtMs >= settings.heartbeatIntervalMs) {
      this.#readAtMs = nowMs;
      this.#reading = this.#context
        .ask("reading the pods", (timeoutMs) => {
          this.#followed ??= this.#routes.follow(name.service);
          return this.#followed.cache.refresh({ timeoutMs });
        })
        .catch(() => {
          this.#reading = undefined; // tells nobody anything: who asks next reads again
        });
    }
    return this.#reading;
  }
}
