import type { Attempt, FaultProxies, ProgramsRun, SteppedTime } from "@podlink/testkit";
import { failpoints, startFaultProxies } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import type { LinkStore } from "@podlink/types";
import type { RedisExecutorOptions } from "../../src/index.ts";
import { RedisExecutor } from "../../src/index.ts";
import { PATIENT } from "../support/connections.ts";
import { uniquePrefix } from "../support/executor-harness.ts";

export interface LossyClientsOptions {
  readonly servers: readonly RedisServer[];
  /** How a client finds the servers through its own proxies. */
  readonly optionsOf: (proxies: FaultProxies) => RedisExecutorOptions;
  readonly time: SteppedTime;
  readonly seed: number;
  /** How many there are, each with connections of its own. */
  readonly clients: number;
}

/** What of the chunks on the wire is lost, once the clients are connected. */
const LOST = { replies: 0.2, requests: 0.15 };
/** How long a caller waits: long enough for a reconnect and a repeat, short enough for thousands of histories. */
const CALL_TIMEOUT_MS = 400;

/** Clients of one Redis, each behind lines of its own that lose replies and requests. */
export class LossyClients implements AsyncDisposable {
  readonly stores: readonly LinkStore[];
  readonly executors: readonly RedisExecutor[];
  readonly #proxies: readonly FaultProxies[];

  private constructor(executors: readonly RedisExecutor[], proxies: readonly FaultProxies[]) {
    this.executors = executors;
    this.#proxies = proxies;
    this.stores = executors.map(withTimeout);
  }

  static async start(options: LossyClientsOptions): Promise<LossyClients> {
    const { servers, optionsOf, time, seed, clients } = options;
    const prefix = uniquePrefix();
    const proxies: FaultProxies[] = [];
    const executors: RedisExecutor[] = [];
    for (let client = 0; client < clients; client += 1) {
      const own = await startFaultProxies(servers, { seed: seed * clients + client });
      proxies.push(own);
      executors.push(new RedisExecutor({ ...PATIENT, ...optionsOf(own), prefix, nowMs: () => time.moment() }));
    }
    await Promise.all(executors.map((executor) => executor.init(["history"], { timeoutMs: 10_000 })));
    const started = new LossyClients(executors, proxies);
    started.#lose();
    return started;
  }

  /** How many chunks were lost. */
  get lost(): { replies: number; requests: number } {
    const rules = this.#proxies.flatMap(({ all }) => all.flatMap((proxy) => proxy.rules));
    const fired = (fault: string): number =>
      rules.filter((rule) => rule.fault.fault === fault).reduce((sum, rule) => sum + rule.fired, 0);
    return { replies: fired("loseReply"), requests: fired("loseRequest") };
  }

  /** Tells a run of every operation that is sent again although the try before may have been carried out. */
  tellRepeats(run: ProgramsRun): { end(): void } {
    return failpoints.on("before-repeat", {
      run: (repeat) => {
        const { mayHaveRun, ...operation } = repeat as unknown as Attempt & { readonly mayHaveRun: boolean };
        if (mayHaveRun) run.attempted(operation);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.executors.map((executor) => executor.close()));
    await Promise.all(this.#proxies.map((proxies) => proxies.end()));
  }

  /** Only what carries link operations is lost: a connection that can never be made would be another fault. */
  #lose(): void {
    for (const { all } of this.#proxies)
      for (const proxy of all) {
        proxy.add({ fault: "loseReply", share: LOST.replies, bytes: isLinkReply });
        proxy.add({ fault: "loseRequest", share: LOST.requests, bytes: isLinkRequest });
      }
  }
}

/** The scripts' names for kinds of operations stand in no other command. */
function isLinkRequest(chunk: Buffer): boolean {
  return /\r\n(?:get|set|trySet|setIfAbsent|replace|renew|remove)\r\n/.test(chunk.toString("latin1"));
}

/** A list that begins with a moment in us. */
function isLinkReply(chunk: Buffer): boolean {
  return /^\*\d+\r\n:\d{16}\r\n/.test(chunk.toString("latin1", 0, 64));
}

function withTimeout(executor: RedisExecutor): LinkStore {
  return {
    execute: (op) => executor.execute(op, { timeoutMs: CALL_TIMEOUT_MS }),
    executeAll: (ops) => executor.executeAll(ops, { timeoutMs: CALL_TIMEOUT_MS }),
    podsOf: (...asked) => executor.podsOf(...asked),
    servicesOf: (namespace, uid) => executor.servicesOf(namespace, uid, { timeoutMs: CALL_TIMEOUT_MS }),
  };
}
