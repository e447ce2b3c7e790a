import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Store } from "@podlink/types";
import type { MemoryExecutor } from "../src/index.ts";

/** A clock that goes on by itself and can be moved forward besides. */
export class DriftingClock implements Clock {
  #movedMs = 0;

  nowMs(): number {
    return performance.now() + this.#movedMs;
  }
  wallMs(): number {
    return Date.now() + this.#movedMs;
  }
  setTimer(): never {
    throw new Error("the memory executor sets no timers");
  }
  move(ms: number): void {
    this.#movedMs += ms;
  }
}

/** The store as across a network: every call takes a while, there and back; pushes come later than answers. */
export function latentStore(executor: MemoryExecutor): Store {
  let open = true;
  const pushed =
    (listener: (event: unknown) => void) =>
    (event: unknown): void =>
      void setTimeout(() => {
        if (open) hear(listener, event);
      }, 2);
  return new Proxy(executor, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name === "health" || name === "epoch") return member.bind(target) as unknown;
      if (String(name).startsWith("watch")) {
        return (...args: unknown[]): unknown => {
          const listener = args.pop() as (event: unknown) => void;
          return Reflect.apply(member, target, [...args, pushed(listener)]);
        };
      }
      return async (...args: unknown[]): Promise<unknown> => {
        if (name === "close") open = false;
        await travel();
        try {
          return (await Reflect.apply(member, target, args)) as unknown;
        } finally {
          await travel();
        }
      };
    },
  });
}

async function travel(): Promise<void> {
  for (let turns = Math.floor(Math.random() * 4); turns > 0; turns -= 1) await nextTurn();
}

function hear(listener: (event: unknown) => void, event: unknown): void {
  try {
    listener(event);
  } catch {
    // as a store does it: what a listener throws harms nobody
  }
}
