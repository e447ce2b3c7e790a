import type { Fence, Sessions } from "@podlink/sessions";
import { createSessions, FenceRefused } from "@podlink/sessions";
import { compareTokens } from "@podlink/types";
import { expect } from "vitest";
import type { StorePod } from "./store-pods.ts";

/** What an application keeps for its users, fenced as the README of sessions says. Every write it took is on record, in order. */
export class FencedStorage {
  readonly accepted: { readonly uid: string; readonly fence: Fence }[] = [];
  #refused = 0;
  readonly #fences = new Map<string, Fence>();

  /** How many loads and writes it refused. */
  get refused(): number {
    return this.#refused;
  }

  /** The sessions of a pod over this storage: each use is one write. */
  sessionsOf({ driver }: Pick<StorePod, "driver">): Sessions<true> {
    return createSessions<true>(driver, { load: (uid, { fence }) => this.#loadAndRaise(uid, fence) });
  }

  write(uid: string, fence: Fence): void {
    const stored = this.#fences.get(uid);
    if (stored === undefined || !isSame(stored, fence)) this.#refuse(stored ?? fence);
    this.accepted.push({ uid, fence });
  }

  lastFence(uid: string): Fence | undefined {
    return this.accepted.findLast((write) => write.uid === uid)?.fence;
  }

  /** No write was taken under a lower token after a higher one, and no token was two holders'. */
  checkOrder(): void {
    const last = new Map<string, Fence>();
    for (const { uid, fence } of this.accepted) {
      const before = last.get(uid);
      last.set(uid, fence);
      if (before === undefined) continue;
      expect(compareTokens(fence.token, before.token)).toBeGreaterThanOrEqual(0);
      if (fence.token === before.token) expect(fence.holder).toBe(before.holder);
    }
  }

  #loadAndRaise(uid: string, fence: Fence): true {
    const stored = this.#fences.get(uid);
    if (stored !== undefined && !isSame(stored, fence) && compareTokens(stored.token, fence.token) >= 0)
      this.#refuse(stored);
    this.#fences.set(uid, fence);
    return true;
  }

  #refuse({ token }: Fence): never {
    this.#refused += 1;
    throw new FenceRefused(token);
  }
}

const isSame = (a: Fence, b: Fence): boolean => a.token === b.token && a.holder === b.holder;
