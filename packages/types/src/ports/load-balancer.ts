/** The pods that may get a new link, as arrays: choosing among them makes no garbage. */
export interface PodSnapshot {
  /** Grows whenever anything below changed. */
  readonly version: number;
  /** How many pods there are to choose from; all arrays below are read from 0 to count - 1. */
  readonly count: number;
  readonly podIndexes: ArrayLike<number>;
  /** Names the life of the pod: a new one starts without placements of ours. */
  readonly incarnations: ArrayLike<number>;
  /** Grows with every row taken over from the store: own placements before it are in its linkCount. */
  readonly reportNumbers: ArrayLike<number>;
  readonly loadScores: ArrayLike<number>;
  readonly linkCounts: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
  /** 0..1: below 1 while the pod is younger than slowStartMs; the share of its turns that it is offered. */
  readonly warmths: ArrayLike<number>;
}

export interface SelectContext {
  /** Position in the snapshot that must not be chosen. Absent: any may be. */
  readonly except?: number;
}

/** Chooses the pod of a new link. */
export interface LoadBalancer {
  /** The position in the snapshot (0 to count - 1), or undefined when none may be chosen. Counts as a placement there. */
  select(snapshot: PodSnapshot, context?: SelectContext): number | undefined;
  /** What became of a placement: `lost` when somebody else's link won, so that it doesn't count. */
  settled?(podIndex: number, outcome: "placed" | "lost"): void;
}
