import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { StoreHarness } from "@podlink/testkit/contract";
import type { RedisServer } from "@podlink/testkit/redis";
import type { Store } from "@podlink/types";
import { serviceKey } from "@podlink/types";
import type { RedisExecutorOptions } from "../../src/index.ts";
import { RedisExecutor } from "../../src/index.ts";
import { PATIENT } from "./connections.ts";
import { patiently } from "./patiently.ts";

export interface HarnessParts {
  /** Which Redis, and with which user. */
  readonly options: RedisExecutorOptions;
  /** All that hold data. */
  readonly servers: readonly RedisServer[];
  readonly namespaces?: readonly [string, string];
  /** Has the servers come back empty. */
  readonly flushAll?: () => Promise<void>;
  /** How long a message may be under way between the nodes of a Cluster: the tests act, watch, and expect nothing old. */
  readonly busMs?: number;
}

/** A prefix that no other suite uses: they share servers. */
export const uniquePrefix = (): string => `t${randomBytes(6).toString("hex")}`;

/** Whole executors for the contract suites: scripts get an absolute time, which only `advance` moves. */
export function executorHarness({ options, servers, namespaces, flushAll, busMs = 0 }: HarnessParts): StoreHarness {
  const prefix = options.prefix ?? uniquePrefix();
  let nowMs = Date.now() + 3_600_000;
  const made: RedisExecutor[] = [];
  const gates = new Set<Promise<void>>();
  /** When each workload state ends, by its key. */
  const ends = new Map<string, number>();
  const onWorkloadState: Store["setWorkloadState"] = async (namespace, service, _, ttlMs) =>
    void ends.set(serviceKey(prefix, namespace, service, "workload"), nowMs + ttlMs);
  const make = (): Store => {
    const executor = new RedisExecutor({ ...PATIENT, ...options, prefix, nowMs: () => nowMs });
    made.push(executor);
    return instrumented(patiently(executor), { all: made, onWorkloadState, busMs, gates });
  };
  return {
    store: make(),
    another: async () => {
      const store = make();
      await made.at(-1)?.init([], { timeoutMs: 10_000 });
      return store;
    },
    advance: async (ms) => {
      nowMs += ms;
      await Promise.all(servers.map((server) => endWorkloadStates(server, { prefix, ends, nowMs })));
    },
    release: async () => void (await Promise.all(made.map((executor) => executor.close()))),
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(flushAll === undefined
      ? {}
      : {
          flushAll: async () => {
            await Promise.all(gates);
            await flushAll();
            await Promise.all(made.map((executor) => executor.init([], { timeoutMs: 10_000 })));
          },
        }),
  };
}

/** Workload states go by the ttl of their keys, which nobody can tell the time: what is over is deleted, the rest stays. */
async function endWorkloadStates(
  server: RedisServer,
  { prefix, ends, nowMs }: { prefix: string; ends: ReadonlyMap<string, number>; nowMs: number },
): Promise<void> {
  for (const key of (await server.cli("KEYS", `${prefix}:*:workload`)) as string[])
    await server.cli((ends.get(key) ?? 0) <= nowMs ? "DEL" : "PERSIST", key);
}

interface Instruments {
  /** All executors of the suite. */
  readonly all: readonly RedisExecutor[];
  readonly onWorkloadState: Store["setWorkloadState"];
  readonly busMs: number;
  /** One for each subscription: resolves when it hears all that happens from then on, and nothing older. */
  readonly gates: Set<Promise<void>>;
}

const GATED: ReadonlySet<string> = new Set(["execute", "executeAll", "register", "report", "leave"]);

/** The tests watch, then act: what changes something waits until all subscriptions made before it are in effect. */
function instrumented(store: RedisExecutor, instruments: Instruments): Store {
  const { gates, onWorkloadState } = instruments;
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const method = (...call: unknown[]): unknown => Reflect.apply(member, target, call);
      if (name === "setWorkloadState")
        return async (...call: Parameters<Store["setWorkloadState"]>) => {
          await method(...call);
          await onWorkloadState(...call);
        };
      if (name === "watchPods" || name === "watchLostLinks" || name === "watchSuccessors")
        return (...call: unknown[]) => {
          const listener = call.pop() as (heard: unknown) => void;
          let isOpen = false;
          const subscription = method(...call, (heard: unknown) => isOpen && listener(heard));
          const gate = opened(instruments).then(() => {
            isOpen = true;
            gates.delete(gate);
          });
          gates.add(gate);
          return subscription;
        };
      if (!GATED.has(String(name))) return method;
      return async (...call: unknown[]) => {
        await Promise.all(gates);
        return method(...call);
      };
    },
  });
}

async function opened({ all, busMs }: Instruments): Promise<void> {
  const inEffect = (): boolean => all.every((executor) => executor.read()["subscriptionsUnconfirmed"] === 0);
  for (let turns = 0; !inEffect() && turns < 2000; turns += 1) await setTimeout(1);
  await setTimeout(busMs);
}
