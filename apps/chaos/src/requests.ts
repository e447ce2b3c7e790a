import type { EndedRequest } from "@podlink/testkit/load";
import { GATEWAYS } from "./kinds.ts";

/** One request of the run. Times are those of `performance.now()`. */
export interface RequestRecord {
  readonly uid: string;
  readonly dueMs: number;
  readonly firstEndedMs: number;
  readonly endedMs: number;
  readonly outcome: EndedRequest["outcome"];
  /** Why attempts ended badly, in order. */
  readonly troubles: readonly string[];
  /** The gateways of the first attempt and of the last. */
  readonly firstGateway: number;
  readonly lastGateway: number;
  /** The pod that acknowledged it, under which token. Absent: none did. */
  readonly pod?: number;
  readonly token?: string;
  /** It only made the user known: it is not counted. */
  readonly isWarmUp: boolean;
}

/** Every request of the run, by user. */
export class Requests {
  readonly #byUser = new Map<string, RequestRecord[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /**
   * Hears of a load's requests as they end.
   * @param gateways which gateways its attempts go to, in turn
   */
  listener(gateways: readonly number[], isWarmUp: boolean): (ended: EndedRequest) => void {
    return ({ turn, uid, dueMs, firstEndedMs, endedMs, outcome, troubles, reading }) => {
      const originMs = performance.now() - endedMs;
      const gatewayOf = (attempt: number): number => gateways[(turn + attempt) % gateways.length] ?? 0;
      const records = this.#byUser.get(uid) ?? [];
      this.#byUser.set(uid, records);
      if (!isWarmUp) this.#count += 1;
      records.push({
        uid,
        dueMs: originMs + dueMs,
        firstEndedMs: originMs + firstEndedMs,
        endedMs: originMs + endedMs,
        outcome,
        troubles,
        firstGateway: gatewayOf(0),
        lastGateway: gatewayOf(outcome === "acknowledged" ? troubles.length : Math.max(0, troubles.length - 1)),
        ...(reading?.pod !== undefined && { pod: reading.pod }),
        ...(reading?.token !== undefined && { token: reading.token }),
        isWarmUp,
      });
    };
  }

  of(uid: string): readonly RequestRecord[] {
    return this.#byUser.get(uid) ?? [];
  }

  /** All but those of the warm-up. */
  *all(): Generator<RequestRecord> {
    for (const records of this.#byUser.values()) for (const record of records) if (!record.isWarmUp) yield record;
  }

  /** The pod that a gateway last saw a user at, before a moment. Absent: it knows nothing of the user. */
  lastSeen(uid: string, gateway: number, beforeMs: number): number | undefined {
    let seen: RequestRecord | undefined;
    for (const record of this.of(uid)) {
      if (record.lastGateway !== gateway || record.pod === undefined || record.endedMs > beforeMs) continue;
      if (seen === undefined || record.endedMs > seen.endedMs) seen = record;
    }
    return seen?.pod;
  }
}

/** All gateways, by number. */
export const everyGateway: readonly number[] = Array.from({ length: GATEWAYS }, (_, index) => index);
