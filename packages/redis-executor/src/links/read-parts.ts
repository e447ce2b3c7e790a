import type { PodsCaller } from "./callers.ts";
import type { LinkLane } from "./lanes.ts";
import { callSizeOf } from "./runs.ts";

/** Reads of one service that travel together. */
export interface ReadPart {
  readonly group: number;
  /** Of their uids, in the list of the caller. */
  readonly positions: readonly number[];
  /** The keys of those uids. */
  readonly keys: readonly string[];
}

/**
 * Divides the reads that a caller waits for, between two positions of its list, into calls.
 * @param onWire how many calls wait for their answer already
 */
export function readPartsOf(
  lane: LinkLane,
  caller: PodsCaller,
  { from, to, onWire }: { readonly from: number; readonly to: number; readonly onWire: number },
): ReadPart[] {
  const groups = new Map<number, { readonly positions: number[]; readonly keys: string[] }>();
  for (let position = from; position < to; position += 1) {
    if (caller.isRepeated(position)) continue;
    const { key, group } = lane.placeOf(caller.uids[position] as string);
    let reads = groups.get(group);
    if (reads === undefined) groups.set(group, (reads = { positions: [], keys: [] }));
    reads.positions.push(position);
    reads.keys.push(key);
  }
  return Array.from(groups).flatMap(([group, { positions, keys }]) => {
    const size = callSizeOf(keys.length, onWire + groups.size - 1);
    return Array.from({ length: Math.ceil(keys.length / size) }, (_, part) => ({
      group,
      positions: positions.slice(part * size, (part + 1) * size),
      keys: keys.slice(part * size, (part + 1) * size),
    }));
  });
}
