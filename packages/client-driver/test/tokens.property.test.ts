import { RouteError } from "@podlink/types";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HeldReplies } from "./support/held-replies.ts";
import { NAMESPACE, SERVICE, world } from "./support/world.ts";

const key = { service: SERVICE, uid: "alice" };

type Step =
  | { readonly do: "resolve" | "read" | "readPersistent" | "forget" | "hold" | "releaseAll" | "claim" }
  | { readonly do: "reserve" | "move"; readonly podIndex: number }
  | { readonly do: "release"; readonly position: number }
  | { readonly do: "wait"; readonly ms: number };

const podIndex = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ do: "resolve" }) },
  fc.constantFrom<Step>({ do: "read" }, { do: "readPersistent" }, { do: "forget" }, { do: "claim" }),
  fc.constantFrom<Step>({ do: "hold" }, { do: "releaseAll" }),
  { weight: 3, arbitrary: fc.nat({ max: 3 }).map((position): Step => ({ do: "release", position })) },
  podIndex.map((index): Step => ({ do: "reserve", podIndex: index })),
  podIndex.map((index): Step => ({ do: "move", podIndex: index })),
  fc.constantFrom(1, 40, 200).map((ms): Step => ({ do: "wait", ms })),
);

/** A call that is forgotten more often than it asks again answers what it read. */
function forgetsSeldom(steps: readonly Step[]): boolean {
  return steps.filter((one) => one.do === "forget").length < 4;
}

test("whatever is filled, forgotten and moved in whatever order: no call returns a lower token than one returned before it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }).filter(forgetsSeldom), async (steps) => {
      const here = await world(3);
      const held: HeldReplies[] = [];
      const slow = await here.caller({
        links: (line) => {
          held.push(new HeldReplies(line));
          return held[0] as HeldReplies;
        },
      });
      const replies = held[0] as HeldReplies;
      let highest = 0;
      const running: Promise<void>[] = [];
      const expectNoLower = (call: () => Promise<{ token: string } | undefined>): void => {
        running.push(
          call().then(
            (link) => {
              if (link === undefined) return;
              expect(Number(link.token)).toBeGreaterThanOrEqual(highest);
              highest = Math.max(highest, Number(link.token));
            },
            (error: unknown) => {
              if (!RouteError.is(error) || !["TIMEOUT", "POD_UNAVAILABLE"].includes(error.code)) throw error;
            },
          ),
        );
      };
      for (const now of [{ do: "resolve" }, { do: "hold" }, ...steps] as Step[]) {
        const owner = { podIndex: "podIndex" in now ? now.podIndex : 0 };
        if (now.do === "resolve") expectNoLower(() => slow.rooms.resolve("alice"));
        else if (now.do === "read") expectNoLower(() => slow.driver.getLinkedPodNotCache(key));
        else if (now.do === "readPersistent") expectNoLower(() => slow.driver.getLinkedPodInCacheOrIfPersist(key));
        else if (now.do === "reserve") expectNoLower(() => slow.driver.setLinkedPodIfAbsent(key, owner.podIndex));
        else if (now.do === "forget") slow.rooms.forget("alice");
        else if (now.do === "claim") await here.pods[0]?.claim("alice");
        else if (now.do === "hold") replies.holding = true;
        else if (now.do === "release") replies.release(now.position);
        else if (now.do === "releaseAll") {
          replies.holding = false;
          replies.releaseAll();
        } else if (now.do === "wait") await here.clock.advance(now.ms);
        else {
          const to = { namespace: NAMESPACE, ...key, owner, lifetime: { ttlMs: 60_000 } };
          await here.store.execute({ kind: "set", ...to });
        }
        await here.clock.advance(0);
      }
      replies.holding = false;
      replies.releaseAll();
      await here.clock.advance(2000);
      await Promise.all(running);
      await slow.driver.close();
      await slow.routes.close();
      await here.driver.close();
      await here.routes.close();
    }),
    { numRuns: 100, seed: 1 },
  );
});
