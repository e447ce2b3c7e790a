import type { Superseded } from "@podlink/types";
import { isSuperseded, RouteError, SingleFlight } from "@podlink/types";
import type { GuardAnswer } from "./answers.ts";
import { refusal } from "./answers.ts";
import type { Authority } from "./authority.ts";
import type { Claims } from "./claims.ts";
import type { HandOffs, HandOffsParts } from "./hand-off.ts";

export interface RedirectParts extends HandOffsParts {
  readonly claims: Claims;
  readonly handOffs: HandOffs;
  readonly authority: Authority;
  readonly onSuperseded: (answer: Superseded) => void;
}

/** A pod on its way out is asked for a uid that it doesn't hold: it points elsewhere, if anybody else can take it. */
export class Redirect {
  readonly #parts: RedirectParts;
  readonly #flights = new SingleFlight<string, GuardAnswer>();

  constructor(parts: RedirectParts) {
    this.#parts = parts;
  }

  /** `held-by` with the link that holds; a claim when nobody else can take the uid. Never rejects. */
  point(uid: string): Promise<GuardAnswer> {
    const { others, claims, mutations, context, handOffs } = this.#parts;
    return this.#flights.run(uid, async () => {
      try {
        if (!(await others.exist())) return handOffs.hasLeft(uid) ? refusal("stopped") : await claims.claim(uid);
        return await mutations.run(uid, () => this.#elsewhere(uid));
      } catch (error) {
        const { retryAfterMs = context.settings.heartbeatIntervalMs } = RouteError.from(error);
        return refusal("unavailable", { retryAfterMs });
      }
    });
  }

  async #elsewhere(uid: string): Promise<GuardAnswer> {
    const { context, commands, others, claims, authority, onSuperseded } = this.#parts;
    const settled = claims.settled({ uid });
    if (settled !== undefined) return settled;
    const key = context.linkKey(uid);
    const link = await commands.execute({ kind: "get", ...key });
    if (link !== undefined && link.podIndex !== context.name.podIndex) return refusal("held-by", { link });
    if (link !== undefined && authority.isLaterLife(link)) {
      onSuperseded({ superseded: true, link });
      return refusal("stopped");
    }
    const best = others.best(authority.incarnation);
    if (best === undefined) return refusal("unavailable", { retryAfterMs: 0 });
    const owner = { podIndex: best.podIndex };
    const lifetime = { ttlMs: Math.round(context.settings.linkInfoCacheTimeSecs * 1000) };
    const result =
      link === undefined
        ? await commands.execute({ kind: "setIfAbsent", ...key, owner, lifetime })
        : await commands.whileDoubtful(uid, link.token, () =>
            commands.execute({ kind: "replace", ...key, expectedToken: link.token, owner, lifetime }),
          );
    if ("replaced" in result && result.replaced) context.event({ kind: "link-replaced", reason: "hand-off" });
    // Reservations name no incarnation: nothing supersedes them.
    if (isSuperseded(result) || result.link.podIndex === context.name.podIndex) {
      return refusal("unavailable", { retryAfterMs: 0 });
    }
    return refusal("held-by", { link: result.link });
  }
}
