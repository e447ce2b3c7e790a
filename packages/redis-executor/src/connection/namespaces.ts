import type { Clock, Logger } from "@podlink/types";
import { namespaceKey, RouteError, SingleFlight } from "@podlink/types";
import type { Connection } from "./ports.ts";
import type { SelfTest } from "./self-test.ts";
import { runSelfTest } from "./self-test.ts";

/** How links and pods are written down. Readers understand this one and the one before. */
const FORMAT = "1";
/** A namespace that was refused is looked at again after so long: an operator may have mended it. */
const REFUSAL_LASTS_MS = 1000;

export interface NamespacesParts {
  readonly connection: Pick<Connection, "run" | "command">;
  readonly clock: Pick<Clock, "nowMs">;
  readonly logger: Logger;
  readonly prefix: string;
  readonly linkBuckets: number;
  readonly selfTests: (prefix: string, namespace: string) => readonly SelfTest[];
}

/**
 * What has to hold before the first operation in a namespace: all processes spread links over the same buckets and write
 * the same format, and the user of Redis may do all that the scripts do, with the keys of this namespace.
 */
export class Namespaces {
  readonly #parts: NamespacesParts;
  readonly #checked = new Set<string>();
  readonly #refused = new Map<string, { readonly error: RouteError; readonly untilMs: number }>();
  readonly #checks = new SingleFlight<string, void>();

  constructor(parts: NamespacesParts) {
    this.#parts = parts;
  }

  /** Whether operations may begin at once. */
  isChecked(namespace: string): boolean {
    return this.#checked.has(namespace);
  }

  /** @throws RouteError CONFIG, PERMISSION_DENIED, INTERNAL (a broken script); what the connection throws */
  check(namespace: string): Promise<void> {
    const refusal = this.#refused.get(namespace);
    if (refusal !== undefined && this.#parts.clock.nowMs() < refusal.untilMs) return Promise.reject(refusal.error);
    return this.#checks.run(namespace, () => this.#check(namespace));
  }

  /** Another life of the store answers: what was written down may be gone. */
  forget(): void {
    this.#checked.clear();
    this.#refused.clear();
  }

  async #check(namespace: string): Promise<void> {
    const { connection, prefix, selfTests } = this.#parts;
    try {
      await this.#checkMeta(namespace);
      await Promise.all(selfTests(prefix, namespace).map((test) => runSelfTest(connection, test)));
      this.#checked.add(namespace);
      this.#refused.delete(namespace);
    } catch (caught) {
      const error = RouteError.from(caught);
      // Redis refuses to write at the moment (memory, disk, replicas): each operation is told so by itself.
      if (error.code === "STORE_UNAVAILABLE" && error.outcome !== "unknown") return;
      if (error.code === "STORE_UNAVAILABLE" || error.code === "TIMEOUT" || error.code === "CLOSED") throw error;
      this.#parts.logger.error({ namespace, code: error.code, reason: error.message }, "the namespace can't be used");
      this.#refused.set(namespace, { error, untilMs: this.#parts.clock.nowMs() + REFUSAL_LASTS_MS });
      throw error;
    }
  }

  async #checkMeta(namespace: string): Promise<void> {
    const { connection, prefix, linkBuckets } = this.#parts;
    const key = namespaceKey(prefix, namespace, "meta");
    const ours = { linkBuckets: String(linkBuckets), format: FORMAT };
    const read = async (): Promise<unknown[]> =>
      (await connection.command(key, "hmget", ...Object.keys(ours))) as unknown[];
    let stored = await read();
    if (stored.includes(null)) {
      await Promise.all(Object.entries(ours).map(([field, value]) => connection.command(key, "hsetnx", field, value)));
      stored = await read();
    }
    Object.entries(ours).forEach(([field, value], index) => {
      if (stored[index] === value) return;
      const there = /^\d{1,10}$/.test(String(stored[index])) ? String(stored[index]) : "another value";
      throw new RouteError(
        "CONFIG",
        `redisExecutor.${field}: namespace ${namespace} is kept with ${there}, this process has ${value}; all must have the same`,
      );
    });
  }
}
