import type { CallOptions, LinkOp, LinkStore, ResultOf } from "@podlink/types";

/** A store whose operations are carried out at once and answered when the test says so. */
export class HeldReplies implements LinkStore {
  readonly #links: LinkStore;
  readonly #held: (() => void)[] = [];
  holding = false;

  constructor(links: LinkStore) {
    this.#links = links;
  }

  get waiting(): number {
    return this.#held.length;
  }

  /** Lets the reply at that position go, the oldest by default. */
  release(position = 0): void {
    this.#held.splice(position, 1)[0]?.();
  }

  releaseAll(): void {
    for (const go of this.#held.splice(0)) go();
  }

  async execute<O extends LinkOp>(op: O, call?: CallOptions): Promise<ResultOf<O>> {
    const answer = await this.#links.execute(op, call);
    if (this.holding) await new Promise<void>((resolve) => this.#held.push(resolve));
    return answer;
  }

  executeAll: LinkStore["executeAll"] = (ops, call) => this.#links.executeAll(ops, call);
  podsOf: LinkStore["podsOf"] = (...asked) => this.#links.podsOf(...asked);
  servicesOf: LinkStore["servicesOf"] = (namespace, uid, call) => this.#links.servicesOf(namespace, uid, call);
}
