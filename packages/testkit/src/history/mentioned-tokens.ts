import type { Link, LinkOp } from "@podlink/types";
import type { RecordedOp } from "./recorded-op.ts";
import { isAnswered } from "./recorded-op.ts";
import { claimOf, linkAfter, linkBefore, opIdOf } from "./results.ts";

/** A token that an operation may have made whose answer nobody got. */
export interface OpenToken {
  readonly token: number;
  /** In which it is marked as made; 0n where tokens may repeat. */
  readonly bit: bigint;
}

/** What is known of one token of a link. */
interface Mention {
  /** The holders that it was seen with. Empty: it only stands in what operations expect, so anybody may have made it. */
  readonly holders: Set<string>;
  /** The operations that say of themselves to have made it, answered from the record. */
  readonly repeatedBy: Set<string>;
  /** An answered operation made it: nobody else. */
  isMade: boolean;
  bit: bigint;
}

/**
 * The tokens of a link that anybody mentioned: those in answers and those that operations expect. All others are alike: no
 * answer shows them and no operation asks for them, so that the lowest possible one stands for all of them.
 */
export class MentionedTokens {
  readonly #mentions = new Map<number, Mention>();
  /** Those that a doubtful run may have made: few, where most answers arrive. */
  readonly #open: (readonly [number, Mention])[];
  readonly #mayRepeat: boolean;

  /** @param firstBit from which on bits are free to mark tokens with. */
  constructor(operations: readonly RecordedOp[], options: { readonly mayRepeat: boolean; readonly firstBit: number }) {
    this.#mayRepeat = options.mayRepeat;
    for (const recorded of operations) this.#read(recorded);
    this.#open = [...this.#mentions].filter(([, { isMade }]) => options.mayRepeat || !isMade);
    if (options.mayRepeat) return;
    let bit = options.firstBit;
    for (const [, mention] of this.#open) {
      mention.bit = 1n << BigInt(bit);
      bit += 1;
    }
  }

  has(token: number): boolean {
    return this.#mentions.has(token);
  }

  /** The lowest token from `least` on that nobody mentioned. */
  lowestUnmentioned(least: number): number {
    let token = least;
    while (this.#mentions.has(token)) token += 1;
    return token;
  }

  /** The tokens from `least` on that a run of an operation may have made, without one in `made`. */
  openTo(recorded: RecordedOp, least: number, made: bigint): OpenToken[] {
    const { op } = recorded;
    if (!("owner" in op)) return [];
    const holder = holderOf(op.owner);
    const opId = opIdOf(recorded);
    const open: OpenToken[] = [];
    for (const [token, { holders, repeatedBy, bit }] of this.#open) {
      if (token < least || (made & bit) !== 0n) continue;
      if (holders.size > 0 && !holders.has(holder)) continue;
      if (!this.#mayRepeat && repeatedBy.size > 0 && !repeatedBy.has(opId)) continue;
      open.push({ token, bit });
    }
    return open;
  }

  #read(recorded: RecordedOp): void {
    for (const token of expectedTokens(recorded.op)) this.#mention(token);
    if (!isAnswered(recorded)) return;
    const { result } = recorded.outcome;
    for (const link of [linkAfter(result), linkBefore(result)]) {
      if (link !== undefined) this.#mention(Number(link.token)).holders.add(holderOf(link));
    }
    const claim = claimOf(recorded);
    if (claim === undefined) return;
    const mention = this.#mention(claim.token);
    if (claim.isRepeated) mention.repeatedBy.add(opIdOf(recorded));
    else mention.isMade = true;
  }

  #mention(token: number): Mention {
    const known = this.#mentions.get(token);
    if (known !== undefined) return known;
    const mention: Mention = { holders: new Set(), repeatedBy: new Set(), isMade: false, bit: 0n };
    this.#mentions.set(token, mention);
    return mention;
  }
}

function expectedTokens(op: LinkOp): number[] {
  if (op.kind === "replace") return [Number(op.expectedToken)];
  if (op.kind !== "renew" && op.kind !== "remove") return [];
  return op.expected?.token === undefined ? [] : [Number(op.expected.token)];
}

function holderOf({ podIndex, incarnation }: Pick<Link, "podIndex" | "incarnation">): string {
  return `${podIndex}/${incarnation ?? ""}`;
}
