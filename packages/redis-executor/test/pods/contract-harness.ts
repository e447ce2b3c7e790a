import type { StoreHarness } from "@podlink/testkit/contract";
import type { Store, Subscription } from "@podlink/types";
import { DEFAULTS, silentLogger, sleep, systemClock } from "@podlink/types";
import type { Connection } from "../../src/connection/ports.ts";
import { RedisLinks } from "../../src/links/redis-links.ts";
import { patiently } from "../support/patiently.ts";
import type { AnyRedis } from "./pods-store.ts";
import { connectTo, podsStore, randomPrefix, serversOf } from "./pods-store.ts";

/** How late a message may reach another node of a Cluster. */
const BUS_LATENCY_MS = 30;

type EffectiveSubscription = Subscription & { readonly effective: Promise<void> };

/** The pods' side of a store for the contract suites: scripts get an absolute time, which only `advance` moves. */
export async function podsHarness(redis: AnyRedis): Promise<StoreHarness> {
  const prefix = randomPrefix();
  let nowMs = Date.now() + 3_600_000;
  const watches: Promise<unknown>[] = [];
  const opened: { close(): Promise<void> }[] = [];
  const open = (): Store => {
    const connection = connectTo(redis);
    const store = podsStore({ connection, prefix, nowMs: () => nowMs });
    opened.push(store);
    const links = linksOf(connection, prefix);
    const whole = { ...store, execute: links.execute.bind(links) };
    return afterWatches(
      patiently(whole),
      watches,
      connection.kind === "cluster" ? BUS_LATENCY_MS : 0,
    ) as unknown as Store;
  };
  return {
    store: open(),
    another: async () => open(),
    advance: async (ms) => void (nowMs += ms),
    release: async () => void (await Promise.all(opened.map((store) => store.close()))),
  };
}

/** The catalogue goes by the ttl of keys: time passes for it when every key has less left. */
export async function catalogueHarness(redis: AnyRedis): Promise<StoreHarness<ReturnType<typeof podsStore>>> {
  const store = podsStore({ connection: connectTo(redis) });
  return {
    store,
    advance: (ms) => ageKeys(redis, `${store.prefix}:*`, ms),
    capabilities: { exactTime: false, jumpsDays: true },
  };
}

async function ageKeys(redis: AnyRedis, pattern: string, ms: number): Promise<void> {
  for (const server of serversOf(redis)) {
    const keys = (await server.cli("KEYS", pattern)) as string[];
    for (const key of keys) {
      const left = Number(await server.cli("PTTL", key));
      if (left >= 0) await server.cli("PEXPIRE", key, left - ms); // a ttl of 0 or less deletes
    }
  }
}

/**
 * Every call waits until the subscriptions made before it are in effect: the contract's tests watch, then act. And they act,
 * then watch: in a Cluster what was published before may still be on its way to the subscriber's node. What is heard until
 * then is not for the tests; nor is the gap of a subscription that took long.
 * @param watches those of all stores over the same data
 */
function afterWatches<S extends object>(store: S, watches: Promise<unknown>[], busLatencyMs: number): S {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || name === "close") return member;
      if (!String(name).startsWith("watch")) {
        return async (...call: unknown[]) => {
          await Promise.all(watches);
          return Reflect.apply(member, target, call) as unknown;
        };
      }
      return (...call: unknown[]) => {
        const listener = call.pop() as (event: unknown) => void;
        let isEarlier = true;
        const hear = (event: unknown): void => void (isEarlier || listener(event));
        const subscription = Reflect.apply(member, target, [...call, hear]) as EffectiveSubscription;
        const isInEffect = subscription.effective.then(() => sleep(busLatencyMs)).then(() => (isEarlier = false));
        watches.push(isInEffect);
        return subscription;
      };
    },
  });
}

/** Links that can be taken from a pod. */
function linksOf(connection: Connection, prefix: string): RedisLinks {
  return new RedisLinks({
    connection,
    clock: systemClock,
    logger: silentLogger,
    prefix,
    linkBuckets: 64,
    ownedTtlMs: DEFAULTS.ownedTtlMs,
    maxWaitingOperations: 65_536,
    maxScriptsOnWire: 256,
  });
}
