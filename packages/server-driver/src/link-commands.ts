import type { LinkOp, Owner, ResultOf } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { PodContext } from "./context.ts";
import type { OwnershipTable } from "./ownership-table.ts";

/** The pod's link operations, each answered in time, and the one rule for those whose outcome stays unknown. */
export class LinkCommands {
  readonly #context: PodContext;
  readonly #table: OwnershipTable;

  constructor(context: PodContext, table: OwnershipTable) {
    this.#context = context;
    this.#table = table;
  }

  /** @throws RouteError of the store, TIMEOUT after commandTimeoutMs. */
  async execute<O extends LinkOp>(op: O): Promise<ResultOf<O>> {
    const { store } = this.#context;
    const outcome = op.kind === "get" ? undefined : "unknown";
    try {
      return await this.#context.ask(`${op.kind} of a link`, (timeoutMs) => store.execute(op, { timeoutMs }), outcome);
    } catch (error) {
      this.#context.sawError(error);
      throw error;
    }
  }

  /** This pod under an incarnation, as an operation names it. */
  self(incarnation: number, tokenFloor?: string): Owner {
    const { podIndex } = this.#context.name;
    return { podIndex, incarnation, ...(tokenFloor === undefined ? undefined : { tokenFloor }) };
  }

  /**
   * Carries out a mutation that ends or moves the link with this token. From before it is sent until its outcome is known
   * the uid is doubtful: not held, because the mutation may still happen, at any later time.
   */
  async whileDoubtful<T>(uid: string, token: string, work: () => Promise<T>): Promise<T> {
    const before = this.#table.doubtfulToken(uid);
    this.#table.doubt(uid, token);
    try {
      const result = await work();
      this.#table.settle(uid, token);
      return result;
    } catch (error) {
      if (RouteError.is(error) && error.outcome === "not-applied") this.#table.settle(uid, token, before);
      throw error;
    }
  }
}
