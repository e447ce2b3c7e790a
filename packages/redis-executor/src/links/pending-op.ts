import type { LinkOp, RouteError } from "@podlink/types";
import type { LinkLane } from "./lanes.ts";
import type { TurnWait } from "./turn-wait.ts";

/** Reads all services of a uid: travels with the link operations, though it is none of one link. */
export interface ServicesOp {
  readonly kind: "services";
  readonly namespace: string;
  readonly uid: string;
}

export type WireOp = LinkOp | ServicesOp;
export type WireOpKind = WireOp["kind"];

/** What became of an operation. */
export type Outcome = { readonly value: unknown } | { readonly error: RouteError };

/** Who asked for operations, and hears what became of each. */
export interface Caller {
  settled(pending: PendingOp, outcome: Outcome): void;
}

/** One operation on its way: from the caller to Redis and back, over all its tries. */
export class PendingOp {
  readonly op: WireOp;
  readonly lane: LinkLane;
  /** The key of its uid. */
  readonly key: string;
  /** Those of one group may travel together. */
  readonly group: number;
  readonly caller: Caller;
  /** Among the operations of its caller. */
  readonly position: number;
  readonly wait: TurnWait;
  readonly isMutation: boolean;
  /** How many operations it stands for. */
  size = 1;
  /** Given by the caller or, from the first try on, by the batch. Repeats keep it. */
  opId: string | undefined;
  /** How often it was sent again. */
  tries = 0;
  /** A try is under way, and was written to a socket. */
  isOnWire = false;
  /** An earlier try may have been carried out. */
  isDoubtful = false;
  /** What the last try failed with. Absent: there was none before. */
  refusal: RouteError | undefined;
  /** Its key is between two nodes of a Cluster: with others it is not found. */
  areKeysApart = false;
  /** The next try takes nothing else along. */
  isAlone = false;
  /** Mutations of the same link that wait for this one. */
  followers: PendingOp[] | undefined;
  /** The next one in the same slot of `LinksUnderWay`. */
  neighbour: PendingOp | undefined;
  /** Whether its caller has an answer, or has stopped waiting for one. */
  isSettled = false;

  constructor(
    op: WireOp,
    parts: {
      readonly lane: LinkLane;
      readonly key: string;
      readonly group: number;
      readonly caller: Caller;
      readonly position: number;
      readonly wait: TurnWait;
    },
  ) {
    this.op = op;
    this.lane = parts.lane;
    this.key = parts.key;
    this.group = parts.group;
    this.caller = parts.caller;
    this.position = parts.position;
    this.wait = parts.wait;
    this.isMutation = op.kind !== "get" && op.kind !== "services";
    this.opId = op.kind === "get" || op.kind === "services" ? undefined : op.opId;
    this.refusal = undefined;
    this.followers = undefined;
    this.neighbour = undefined;
  }

  /** Gives the caller its answer; a second one is dropped. */
  settle(outcome: Outcome): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.wait.leave();
    this.caller.settled(this, outcome);
  }
}
