import type { RemoveResult, SetDone, TrySetResult } from "@podlink/types";
import { isSuperseded, RouteError } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { ClaimsParts } from "./claims.ts";

/** What the application itself does to links, by the names of the checklist. */
export class LinkMethods {
  readonly #parts: ClaimsParts;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  /** Takes the link, whoever holds it: a forced move. */
  set(uid: string): Promise<SetDone> {
    const { table, commands, context, mutations } = this.#parts;
    return mutations.run(uid, async () => {
      const incarnation = this.#mayTake();
      const owner = commands.self(incarnation);
      const op = { kind: "set", ...context.linkKey(uid), owner, lifetime: "persistent" } as const;
      const token = table.held(uid)?.link.token ?? table.doubtfulToken(uid);
      this.#release(uid);
      const send = () => commands.execute(op);
      const result = token === undefined ? await send() : await commands.whileDoubtful(uid, token, send);
      if (isSuperseded(result)) return this.#superseded(result);
      this.#take(result.link, incarnation);
      return result;
    });
  }

  /** Takes the link unless another pod's persistent one is there. */
  trySet(uid: string): Promise<Exclude<TrySetResult, { readonly superseded: true }>> {
    const { table, commands, context, mutations } = this.#parts;
    return mutations.run(uid, async () => {
      const incarnation = this.#mayTake();
      const owner = commands.self(incarnation);
      if (table.doubtfulToken(uid) !== undefined) throw unavailable("an earlier change of the link is not settled");
      const op = { kind: "trySet", ...context.linkKey(uid), owner, lifetime: "persistent" } as const;
      const result = await commands.execute(op);
      if (isSuperseded(result)) return this.#superseded(result);
      if (result.acquired) this.#take(result.link, incarnation);
      else table.end(uid, "lost", result.link);
      return result;
    });
  }

  /** Ends the link after `graceMs` if it names that pod; of this pod's own, the guard closes first. */
  remove(uid: string, podIndex: number, graceMs: number): Promise<RemoveResult> {
    const { table, commands, context, mutations, authority } = this.#parts;
    return mutations.run(uid, async () => {
      const key = context.linkKey(uid);
      const own = podIndex === context.name.podIndex;
      const link = (own ? table.held(uid)?.link : undefined) ?? (await commands.execute({ kind: "get", ...key }));
      if (link === undefined) return { removed: false };
      if (link.podIndex !== podIndex) return { removed: false, link };
      if (authority.isLaterLife(link)) return this.#superseded({ superseded: true, link });
      const { token, incarnation } = link;
      // An earlier life of this pod may still serve it: as with a claim, its lease has to be over.
      if (own && incarnation !== undefined && !authority.isOwnLife(link)) this.#mayTake();
      const expected = { podIndex, token, ...(incarnation === undefined ? undefined : { incarnation }) };
      const send = async () => {
        await failpoint("before-remove", { uid });
        const result = await commands.execute({ kind: "remove", ...key, graceMs, expected });
        await failpoint("after-remove", { uid });
        return result;
      };
      if (!own) return send();
      this.#release(uid);
      const result = await commands.whileDoubtful(uid, token, send);
      return isSuperseded(result) ? this.#superseded(result) : result;
    });
  }

  /** @returns the incarnation to take links under. @throws RouteError POD_UNAVAILABLE, CLOSED */
  #mayTake(): number {
    const { authority } = this.#parts;
    const refused = authority.refusesClaims();
    const { incarnation } = authority;
    if (refused === undefined && incarnation !== undefined) return incarnation;
    if (refused?.reason === "stopped") throw new RouteError("CLOSED", "this pod takes no links any more", NOT_APPLIED);
    throw unavailable("this pod may not take links now", refused?.retryAfterMs);
  }

  /** Ends the period, if there is one: an earlier doubt about the uid stays until the outcome is known. */
  #release(uid: string): void {
    const { table } = this.#parts;
    if (table.held(uid) !== undefined) table.end(uid, "released");
  }

  /** The answer counts only if all that allowed the operation still holds. */
  #take(link: SetDone["link"], incarnation: number): void {
    const { authority, table, mutations } = this.#parts;
    const counts = authority.refusesClaims() === undefined && authority.incarnation === incarnation;
    if (counts && !mutations.wasLost(link)) table.take(link);
  }

  #superseded(answer: Parameters<ClaimsParts["onSuperseded"]>[0]): never {
    this.#parts.onSuperseded(answer);
    throw new RouteError("SUPERSEDED", "a newer life of this pod holds the link", NOT_APPLIED);
  }
}

const NOT_APPLIED = { outcome: "not-applied" } as const;

function unavailable(message: string, retryAfterMs?: number): RouteError {
  const details = retryAfterMs === undefined ? NOT_APPLIED : { ...NOT_APPLIED, retryAfterMs };
  return new RouteError("POD_UNAVAILABLE", message, details);
}
