import type { Link, Superseded } from "@podlink/types";
import { compareTokens, isSuperseded, RouteError, SingleFlight } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { GuardAnswer } from "./answers.ts";
import { refusal } from "./answers.ts";
import type { Authority } from "./authority.ts";
import type { PodContext } from "./context.ts";
import type { LinkCommands } from "./link-commands.ts";
import type { LinkMutations } from "./link-mutations.ts";
import type { OwnershipTable } from "./ownership-table.ts";

export interface ClaimsParts {
  readonly context: PodContext;
  readonly table: OwnershipTable;
  readonly mutations: LinkMutations;
  readonly commands: LinkCommands;
  readonly authority: Authority;
  /** The store knows a higher incarnation of this pod. */
  readonly onSuperseded: (answer: Superseded) => void;
}

interface Claim {
  readonly uid: string;
  /** The new token is to be higher. */
  readonly floor?: string;
  /** A request knows of this token, which is higher than ours. */
  readonly asked?: number;
}

/** Takes links for this pod: the only way a uid gets into the table. */
export class Claims {
  readonly #parts: ClaimsParts;
  readonly #flights = new SingleFlight<string, GuardAnswer>();
  /** Not shared with claims that may have been answered before the token asked about was made. */
  readonly #askedFlights = new SingleFlight<string, GuardAnswer>();

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  /** One claim; requests of the same uid at the same time share it. Never rejects. */
  claim(uid: string): Promise<GuardAnswer> {
    return this.#flights.run(uid, () => this.#inTurn({ uid }));
  }

  /** A request knows of a higher token than any asked about: one claim finds out. Never rejects. */
  claimAsked(uid: string, asked: number): Promise<GuardAnswer> {
    return this.#askedFlights.run(`${asked}/${uid}`, () => this.#inTurn({ uid, asked }));
  }

  /** A claim whose token is higher than the floor. Never rejects. */
  claimAbove(uid: string, floor: string): Promise<GuardAnswer> {
    return this.#inTurn({ uid, floor });
  }

  #inTurn(claim: Claim): Promise<GuardAnswer> {
    const { context, mutations } = this.#parts;
    return mutations.run(claim.uid, async () => {
      try {
        await failpoint("before-claim", { uid: claim.uid });
        return this.settled(claim) ?? (await context.watched("claim", () => this.#decide(claim)));
      } catch (error) {
        context.counters.claimsFailed += 1;
        const { code, message, retryAfterMs } = RouteError.from(error);
        context.logger.debug({ code, error: message }, "a claim failed");
        return refusal("unavailable", { retryAfterMs: retryAfterMs ?? context.settings.heartbeatIntervalMs });
      }
    });
  }

  /** What needs no operation, because it was answered while this waited for its turn. */
  settled({ uid, floor, asked }: Claim): GuardAnswer | undefined {
    const { table, authority } = this.#parts;
    const refused = authority.refusesClaims();
    if (refused !== undefined) return refused;
    const period = table.held(uid);
    if (period === undefined) return undefined;
    if (asked !== undefined && asked > period.askedToken) return undefined;
    if (floor !== undefined && compareTokens(period.link.token, floor) <= 0) return undefined;
    return period.handOff === undefined ? period.granted : refusal("unavailable");
  }

  async #decide({ uid, floor, asked }: Claim): Promise<GuardAnswer> {
    const { context, table, authority } = this.#parts;
    const incarnation = authority.incarnation;
    if (incarnation === undefined) return refusal("fenced");
    context.counters.claims += 1;

    // The storage has seen a higher token than ours: only a new one will do, and the guard closes first.
    const refused = floor === undefined ? undefined : table.held(uid)?.link.token;
    if (refused !== undefined) table.end(uid, "lost");
    const doubtful = refused ?? table.doubtfulToken(uid);
    if (doubtful !== undefined) {
      const answer = await this.#takeBack(uid, doubtful, incarnation, floor);
      if (answer !== undefined) return answer;
    }

    const answer = await this.#ordinary(uid, incarnation, floor);
    const period = table.held(uid);
    if (asked !== undefined && answer.ok && period !== undefined) {
      period.askedToken = Math.max(period.askedToken, asked);
    }
    return answer;
  }

  /** Gives the link a new token, so that no mutation sent for the old one can match it. Undefined: it has another. */
  async #takeBack(
    uid: string,
    token: string,
    incarnation: number,
    floor: string | undefined,
  ): Promise<GuardAnswer | undefined> {
    const { context, commands, table } = this.#parts;
    const owner = commands.self(incarnation, floor);
    const op = {
      kind: "replace",
      ...context.linkKey(uid),
      expectedToken: token,
      owner,
      lifetime: "persistent",
    } as const;
    const result = await commands.whileDoubtful(uid, token, () => commands.execute(op));
    await failpoint("after-claim", { uid });
    if (isSuperseded(result)) return this.#superseded(result);
    if (result.replaced) return this.#ours(uid, result.link, incarnation);
    table.end(uid, "lost", result.link);
    return undefined;
  }

  async #ordinary(uid: string, incarnation: number, floor: string | undefined): Promise<GuardAnswer> {
    const { context, table, commands } = this.#parts;
    const tokenFloor = floor ?? table.unverifiedToken(uid);
    const owner = commands.self(incarnation, tokenFloor);
    const op = { kind: "setIfAbsent", ...context.linkKey(uid), owner, lifetime: "persistent" } as const;
    const result = await commands.execute(op);
    await failpoint("after-claim", { uid });
    if (isSuperseded(result)) return this.#superseded(result);
    const { link } = result;
    if (link.podIndex !== context.name.podIndex) {
      table.end(uid, "lost", link);
      return refusal("held-by", { link });
    }
    // The very same incarnation's own keeps its token, which the floor may forbid.
    if (floor !== undefined && compareTokens(link.token, floor) <= 0) {
      return (await this.#takeBack(uid, link.token, incarnation, floor)) ?? refusal("unavailable", { retryAfterMs: 0 });
    }
    return this.#ours(uid, link, incarnation);
  }

  /** The store said that the link is ours. It counts only if all that allowed the claim still holds now. */
  #ours(uid: string, link: Link, incarnation: number): GuardAnswer {
    const { table, authority, context, mutations } = this.#parts;
    const refused = authority.refusesClaims();
    if (refused !== undefined) return refused;
    if (authority.incarnation !== incarnation) return refusal("fenced", { retryAfterMs: 0 });
    if (mutations.wasLost(link)) {
      table.end(uid, "lost");
      return refusal("unavailable", { retryAfterMs: context.settings.heartbeatIntervalMs });
    }
    return table.take(link).granted;
  }

  #superseded(answer: Superseded): GuardAnswer {
    this.#parts.onSuperseded(answer);
    return refusal("stopped");
  }
}
