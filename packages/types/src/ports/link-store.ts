import type { Link } from "../link.ts";
import type { LinkOp, ResultOf } from "../link-op.ts";
import type { RouteError } from "../route-error.ts";
import type { CallOptions } from "./call-options.ts";

/** An operation's answer in a list: one that fails doesn't spoil the others. */
export type Answer<O extends LinkOp = LinkOp> = { readonly value: ResultOf<O> } | { readonly error: RouteError };

/** The links. Every operation is atomic and linearizable for its link. */
export interface LinkStore {
  /**
   * Carries out one operation.
   * @throws RouteError INVALID_ARGUMENT, CORRUPT, STORE_UNAVAILABLE, TIMEOUT (with `outcome`), CANCELLED, CLOSED
   */
  execute<O extends LinkOp>(op: O, call?: CallOptions): Promise<ResultOf<O>>;

  /**
   * Carries out up to 10,000 operations, answered in the order asked; among themselves they have no promised order.
   * Rejects as a whole only for a bad list (INVALID_ARGUMENT) or when closed.
   */
  executeAll<O extends LinkOp>(ops: readonly O[], call?: CallOptions): Promise<Answer<O>[]>;

  /**
   * Which pods the live links of up to 10,000 uids of a service name: the uids of each, once and in the order asked; those
   * without a link are left out.
   * @throws RouteError as `execute`, when all are answered: of the first that is refused
   */
  podsOf(
    namespace: string,
    service: string,
    uids: readonly string[],
    call?: CallOptions,
  ): Promise<Map<number, string[]>>;

  /** All live links of a uid, by service. */
  servicesOf(namespace: string, uid: string, call?: CallOptions): Promise<Map<string, Link>>;
}
