import type { Lifetime } from "@podlink/types";
import type { LinkLane } from "./lanes.ts";
import type { PendingOp, WireOp, WireOpKind } from "./pending-op.ts";

/** The most operations in one script call. */
const MAX_OPS = 128;
/** Fewer are not split: so few gain nothing from Redis working on one part while the next is made. */
export const MIN_OPS = 32;
/**
 * How many script calls a turn's operations are split into, less those that are on the wire: Redis works on one while the
 * next is made. Where it has some already, fewer and larger ones cost both sides less.
 */
const PARTS = 4;
/** As many operations as fill the calls of a turn. */
export const FULL: number = PARTS * MAX_OPS;
/** How many of the runs made before an operation is compared with. */
const LOOK_BACK = 16;

/** Operations that share everything but uid, pod and what they expect: their shared part travels once. */
export class Run {
  readonly kind: WireOpKind;
  readonly lane: LinkLane;
  readonly incarnation: number | undefined;
  /** The lifetime asked for, or the grace. Undefined: persistent. */
  readonly spanMs: number | undefined;
  readonly tokenFloor: string | undefined;
  readonly renew: boolean;
  /** Undefined until it is first sent: then one id for all. */
  opId: string | undefined;
  readonly ops: PendingOp[] = [];

  constructor(first: PendingOp) {
    const { op } = first;
    this.kind = op.kind;
    this.lane = first.lane;
    this.opId = first.opId;
    this.incarnation = incarnationOf(op);
    this.spanMs = spanOf(op);
    this.tokenFloor = floorOf(op);
    this.renew = isRenewing(op);
  }

  /** How many operations it has. */
  get size(): number {
    const { ops } = this;
    return ops.length === 1 ? (ops[0] as PendingOp).size : ops.length; // what stands for several travels alone
  }

  takes(pending: PendingOp): boolean {
    const { op } = pending;
    return (
      this.kind === op.kind &&
      this.lane === pending.lane &&
      this.incarnation === incarnationOf(op) &&
      this.spanMs === spanOf(op) &&
      this.opId === pending.opId &&
      this.tokenFloor === floorOf(op) &&
      this.renew === isRenewing(op)
    );
  }

  /** The same run with some of its operations. */
  part(from: number, to: number): Run {
    if (from === 0 && to >= this.ops.length) return this;
    const part = new Run(this.ops[from] as PendingOp);
    part.ops.push(...this.ops.slice(from, to));
    return part;
  }
}

/** What one script call carries. */
export interface Batch {
  readonly group: number;
  readonly isFreeing: boolean;
  readonly runs: readonly Run[];
  readonly size: number;
}

/** Which of the two scripts carries an operation. */
function isFreeing(kind: WireOpKind): boolean {
  return kind === "renew" || kind === "remove";
}

/** The same number for operations that may travel in one call: of one group, and of one script. */
export function callKindOf({ group, op }: PendingOp): number {
  return group * 2 + (isFreeing(op.kind) ? 1 : 0);
}

/**
 * Divides the operations of a turn into script calls. Among themselves they have no promised order.
 * @param onWire how many calls wait for their answer already
 */
export function batchesOf(ops: readonly PendingOp[], onWire: number): Batch[] {
  if (ops.length === 1) return [batchOfOne(ops[0] as PendingOp)]; // one caller at a time
  const groups = new Map<number, PendingOp[]>();
  const batches: Batch[] = [];
  for (const pending of ops) {
    if (pending.isAlone) {
      batches.push(...cut([pending], MAX_OPS));
      continue;
    }
    const group = callKindOf(pending);
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [pending]);
    else members.push(pending);
  }
  for (const [group, members] of groups) {
    // Both scripts for one group: half as many parts of each, or a turn would make more calls than PARTS.
    const isShared = groups.has(group ^ 1);
    const others = groups.size - (isShared ? 2 : 1); // of other slots of a Cluster: they are calls of their own anyway
    const size = callSizeOf(members.length, onWire + others, isShared ? 2 : 1);
    for (const batch of cut(members, size)) batches.push(batch);
  }
  return batches;
}

function batchOfOne(pending: PendingOp): Batch {
  const run = new Run(pending);
  run.ops.push(pending);
  return batchOf([run]);
}

/**
 * How many of so many operations of one group travel in a call.
 * @param otherCalls how many calls there are beside theirs
 * @param scripts how many scripts carry operations of the group
 */
export function callSizeOf(count: number, otherCalls: number, scripts = 1): number {
  const parts = Math.max(Math.floor((PARTS - otherCalls) / scripts), 1);
  return Math.min(Math.max(Math.ceil(count / parts), scripts * MIN_OPS), MAX_OPS);
}

/** The namespace of all its links. Undefined: they have several. */
export function namespaceOf({ runs }: Batch): string | undefined {
  const { namespace } = (runs[0] as Run).lane;
  return runs.every(({ lane }) => lane.namespace === namespace) ? namespace : undefined;
}

/** The operations of a batch. */
export function opsOf({ runs }: Batch): readonly PendingOp[] {
  const [first] = runs;
  return runs.length === 1 && first !== undefined ? first.ops : runs.flatMap(({ ops }) => ops);
}

/** The batch with the operations whose callers still wait; `drop` gets the others. */
export function withoutSettled(batch: Batch, drop: (pending: PendingOp) => void): Batch {
  if (!opsOf(batch).some(isSettled)) return batch;
  const gone = opsOf(batch).filter(isSettled);
  gone.forEach(drop);
  return { ...batch, ...counted(runsOf(opsOf(batch).filter((pending) => !gone.includes(pending)))) };
}

/** Its caller doesn't wait any more. */
export const isSettled = (pending: PendingOp): boolean => pending.isSettled;

/** All of one group and one script, in calls of up to `size`. */
function cut(ops: readonly PendingOp[], size: number): Batch[] {
  const batches: Batch[] = [];
  let runs: Run[] = [];
  let room = size;
  for (const run of runsOf(ops)) {
    for (let from = 0; from < run.ops.length;) {
      const part = run.part(from, from + room);
      runs.push(part);
      from += part.ops.length;
      room -= part.ops.length;
      if (room > 0) continue;
      batches.push(batchOf(runs));
      runs = [];
      room = size;
    }
  }
  if (runs.length > 0) batches.push(batchOf(runs));
  return batches;
}

function batchOf(runs: readonly Run[]): Batch {
  const { group, op } = (runs[0] as Run).ops[0] as PendingOp;
  return { group, isFreeing: isFreeing(op.kind), ...counted(runs) };
}

const counted = (runs: readonly Run[]): Pick<Batch, "runs" | "size"> => ({
  runs,
  size: runs.reduce((sum, run) => sum + run.size, 0),
});

function runsOf(ops: readonly PendingOp[]): Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const pending of ops) {
    if (run === undefined || !run.takes(pending)) {
      run = runs.slice(-LOOK_BACK).find((candidate) => candidate.takes(pending));
      if (run === undefined) runs.push((run = new Run(pending)));
    }
    run.ops.push(pending);
  }
  return runs;
}

function incarnationOf(op: WireOp): number | undefined {
  return "owner" in op ? op.owner.incarnation : undefined;
}

function floorOf(op: WireOp): string | undefined {
  return "owner" in op ? op.owner.tokenFloor : undefined;
}

function isRenewing(op: WireOp): boolean {
  return op.kind === "setIfAbsent" && op.renew === true;
}

function spanOf(op: WireOp): number | undefined {
  if ("lifetime" in op) return ttlOf(op.lifetime);
  return op.kind === "remove" ? op.graceMs : undefined;
}

function ttlOf(lifetime: Lifetime): number | undefined {
  return lifetime === "persistent" ? undefined : lifetime.ttlMs;
}
