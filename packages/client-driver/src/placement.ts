import type { ServiceRoutes } from "@podlink/route-info-driver";
import type { Clock, Lifetime, Link, LinkKey, PodRow, ReplaceReason, RouteObserver } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { Counters } from "./counters.ts";
import type { Failover } from "./failover.ts";
import type { HolderPolicy, Verdict } from "./judge-holder.ts";
import { judgeHolder } from "./judge-holder.ts";
import type { LinkCommands } from "./link-commands.ts";
import type { ResolvedClientDriverOptions } from "./options.ts";

export interface PlacementParts {
  readonly routes: ServiceRoutes;
  readonly commands: LinkCommands;
  readonly failover: Failover;
  readonly clock: Clock;
  readonly random: () => number;
  readonly counters: Counters;
  readonly observer: RouteObserver | undefined;
  readonly options: ResolvedClientDriverOptions;
}

/** A link and when the answer that brought it arrived. */
interface SeenLink {
  readonly link: Link;
  readonly seenAtMs: number;
}

type JudgedLink = Pick<Link, "podIndex" | "incarnation" | "kind">;

/** Asks, readings and moves of one flight; the ordinary one takes one. Beyond it the pods change faster than anybody can tell. */
const MAX_ROUNDS = 6;
/** A caller looks again after so long even when the pod has longer: it may be back before. */
const LONGEST_RETRY_AFTER_MS = 2000;
/** Callers that were told the same moment come back spread over so long. */
const RETRY_JITTER_MS = 50;

/** The way of a uid that the cache doesn't answer: make or find its link, and move it when its holder is gone. */
export class Placement {
  readonly #parts: PlacementParts;
  readonly #policy: HolderPolicy;
  readonly #lifetime: Lifetime;

  constructor(parts: PlacementParts) {
    this.#parts = parts;
    const { failover, notReadyHandOverMs, leaseMs, linkInfoCacheTimeSecs } = parts.options;
    this.#policy = { mode: failover.mode, graceMs: failover.graceMs, notReadyHandOverMs, leaseMs };
    this.#lifetime = { ttlMs: Math.round(linkInfoCacheTimeSecs * 1000) };
  }

  /** The link of the uid, whose holder serves it as far as is known. One round trip when nothing is wrong. */
  async place(key: LinkKey): Promise<Link> {
    let seen = await this.#propose(key);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const { link } = seen;
      const verdict = this.#judge(seen);
      switch (verdict.kind) {
        case "keep":
          return link;
        case "read":
          await this.#parts.routes.cache.refresh({ timeoutMs: this.#parts.options.commandTimeoutMs });
          break;
        case "wait":
          this.#parts.failover.look();
          if (verdict.untilMs !== undefined) this.#parts.failover.confirmAt(link.podIndex, verdict.untilMs);
          throw this.#unavailable(link, verdict.untilMs);
        case "replace":
          seen = await this.#replace(link, verdict);
          break;
      }
    }
    throw this.#unavailable(seen.link, this.#parts.clock.nowMs());
  }

  /** What would become now of an owned link of this life of the pod. */
  outlook({ podIndex, incarnation }: Pick<PodRow, "podIndex" | "incarnation">): Verdict {
    return this.#judge({ link: { podIndex, incarnation, kind: "owned" }, seenAtMs: this.#parts.clock.nowMs() });
  }

  #judge({ link, seenAtMs }: { readonly link: JudgedLink; readonly seenAtMs: number }): Verdict {
    const { routes, clock } = this.#parts;
    const { cache } = routes;
    const nowMs = clock.nowMs();
    const pod = cache.pod(link.podIndex);
    const incarnation = link.incarnation ?? pod?.row.incarnation ?? 0;
    const facts = {
      nowMs,
      link,
      linkSeenAtMs: seenAtMs,
      pod,
      silentSinceMs: cache.silentSinceMs(link.podIndex, incarnation) ?? nowMs,
      readingBegunAtMs: cache.lastReadingBegunAtMs,
      frozenUntilMs: cache.ownedFrozenUntilMs ?? nowMs,
    };
    return judgeHolder(facts, this.#policy);
  }

  /** The link as it is, or a new one for the best pod: whichever, in one operation. */
  async #propose({ namespace, service, uid }: LinkKey): Promise<SeenLink> {
    const { routes, commands, clock, counters } = this.#parts;
    const podIndex = routes.bestIndex();
    if (podIndex === undefined) {
      if (!routes.cache.isRegistered) throw this.#nobody();
      // Nobody takes a new uid; one that has a link may still be served.
      const link = await commands.execute({ kind: "get", namespace, service, uid });
      if (link === undefined) throw this.#nobody();
      return { link, seenAtMs: clock.nowMs() };
    }
    const owner = { podIndex };
    const { link, won } = await this.#settled(podIndex, async () => {
      const result = await commands.execute({
        kind: "setIfAbsent",
        namespace,
        service,
        uid,
        owner,
        lifetime: this.#lifetime,
        renew: true,
      });
      return { link: result.link, won: "created" in result && result.created };
    });
    if (won) counters.placements += 1;
    return { link, seenAtMs: clock.nowMs() };
  }

  /** Moves the link if nobody did so meanwhile; either way the answer is the link that holds now. */
  async #replace(from: Link, verdict: { reason: ReplaceReason; paced: boolean }): Promise<SeenLink> {
    const { routes, commands, failover, clock, counters, observer } = this.#parts;
    const { namespace, service, uid, podIndex, token } = from;
    await failpoint("before-replace", { uid, reason: verdict.reason });
    const best = routes.bestIndex(); // not the pod that it is moved from: that one is not available
    if (best === undefined) throw this.#nobody();
    const { link, won } = await this.#settled(best, async () => {
      const heldForMs = failover.permit(podIndex, verdict);
      if (heldForMs !== undefined) throw this.#unavailable(from, clock.nowMs() + heldForMs);
      const result = await commands.execute({
        kind: "replace",
        namespace,
        service,
        uid,
        expectedToken: token,
        owner: { podIndex: best },
        lifetime: this.#lifetime,
      });
      return { link: result.link, won: "replaced" in result && result.replaced };
    });
    if (won) {
      counters.replacements += 1;
      observer?.event({ kind: "link-replaced", namespace, service, podIndex, reason: verdict.reason });
    } else counters.replacementsLost += 1;
    return { link, seenAtMs: clock.nowMs() };
  }

  /** Tells the balancer what became of its choice. An answer that never came may still have placed the uid. */
  async #settled<T extends { won: boolean }>(podIndex: number, act: () => Promise<T>): Promise<T> {
    const { routes } = this.#parts;
    try {
      const done = await act();
      routes.settled(podIndex, done.won ? "placed" : "lost");
      return done;
    } catch (error) {
      const unknown = RouteError.is(error) && error.outcome === "unknown";
      routes.settled(podIndex, unknown ? "placed" : "lost");
      throw error;
    }
  }

  #nobody(): RouteError {
    const { routes } = this.#parts;
    if (!routes.cache.isRegistered) {
      return new RouteError("SERVICE_NOT_FOUND", `no pod of ${routes.namespace}/${routes.service} was ever registered`);
    }
    return new RouteError("NO_ROUTABLE_POD", `no pod of ${routes.namespace}/${routes.service} takes a uid now`, {
      retryAfterMs: this.#retryAfterMs(undefined),
    });
  }

  #unavailable(link: Link, untilMs: number | undefined): RouteError {
    this.#parts.counters.podUnavailable += 1;
    const pod = `${link.namespace}/${link.service} pod ${link.podIndex}`;
    return new RouteError("POD_UNAVAILABLE", `${pod} holds the link and does not serve now`, {
      retryAfterMs: this.#retryAfterMs(untilMs),
    });
  }

  #retryAfterMs(untilMs: number | undefined): number {
    const { clock, random } = this.#parts;
    const leftMs = untilMs === undefined ? LONGEST_RETRY_AFTER_MS : Math.max(0, untilMs - clock.nowMs());
    return Math.ceil(Math.min(leftMs, LONGEST_RETRY_AFTER_MS) + random() * RETRY_JITTER_MS);
  }
}
