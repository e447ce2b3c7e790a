import type { Answer, LinkOp, LinkStore, RouteErrorCode } from "@podlink/types";
import { batchGetLinkedPod, RouteError } from "@podlink/types";
import type { LinkLog } from "./link-log.ts";
import type { Outcome } from "./recorded-op.ts";

/** Errors that say by themselves that nothing was done. */
const REFUSALS: ReadonlySet<RouteErrorCode> = new Set<RouteErrorCode>([
  "INVALID_ARGUMENT",
  "CORRUPT",
  "NAMESPACE_UNKNOWN",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
]);

export interface RecordLinksOptions {
  /** Where operations are kept. Several clients of the same links share one. */
  readonly log: LinkLog;
  /** Whose calls they are, as people read it. */
  readonly client: string;
}

/**
 * The store with every link operation recorded: its call, its return, and what its caller was told. A mutation without an id
 * is given one. Lists are recorded as operations at the same time, `podsOf` as reads. `servicesOf` is no link operation and passes by.
 */
export function recordLinks(store: LinkStore, { log, client }: RecordLinksOptions): LinkStore {
  const recorded: LinkStore = {
    async execute(op, call) {
      const entry = log.call(client, op);
      try {
        const result = await store.execute(entry.op as typeof op, call);
        entry.settle(answered(result));
        return result;
      } catch (error) {
        entry.settle(outcomeOf(error));
        throw error;
      }
    },
    async executeAll<O extends LinkOp>(ops: readonly O[], call?: Parameters<LinkStore["executeAll"]>[1]) {
      const entries = ops.map((op) => log.call(client, op));
      try {
        const answers: Answer<O>[] = await store.executeAll(
          entries.map(({ op }) => op as O),
          call,
        );
        answers.forEach((answer, index) => {
          entries[index]?.settle("error" in answer ? outcomeOf(answer.error) : answered(answer.value));
        });
        return answers;
      } catch (error) {
        for (const entry of entries) entry.settle(outcomeOf(error));
        throw error;
      }
    },
    podsOf: (namespace, service, uids, call) => batchGetLinkedPod(recorded, { namespace, service, uids }, call),
    servicesOf: (namespace, uid, call) => store.servicesOf(namespace, uid, call),
  };
  return recorded;
}

function answered(result: Extract<Outcome, { kind: "answered" }>["result"]): Outcome {
  return result === undefined ? { kind: "answered" } : { kind: "answered", result };
}

/** What an error says about the effect of its operation: unless it excludes one, there may be one, now or later. */
function outcomeOf(error: unknown): Outcome {
  if (!RouteError.is(error)) return { kind: "unknown" };
  const { code, outcome } = error;
  const isRefusal = outcome === "not-applied" || (outcome === undefined && REFUSALS.has(code));
  return { kind: isRefusal ? "refused" : "unknown", code };
}
