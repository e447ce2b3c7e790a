import type { LinkOp, LinkOpKind, Lifetime } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { SeededRandom } from "../seeded-random.ts";

export interface ProgramOptions {
  /** The same seed, the same program. Any whole number. */
  readonly seed: number;
  /** How many clients call at the same time. 2 to 64, default 3 to 8 by the seed. */
  readonly clients?: number;
  /** How many operations all of them make together, at least one each. Default 30 to 60 by the seed. */
  readonly operations?: number;
  /** How many uids they fight over. At least 1, default 1 to 3 by the seed. */
  readonly uids?: number;
  /** What they want links of. Default one service. */
  readonly services?: readonly string[];
  /** After how many rounds time moves on. At least 1, default 4 to 8 by the seed. */
  readonly rounds?: number;
}

/** Which token an operation expects: the last that its client saw of the link, the one it saw before that, or any. */
export type TokenChoice = "last" | "stale" | "any";

/** An operation whose token is not known before it is called. */
export interface OpDraft {
  readonly kind: LinkOpKind;
  /** Which of the program's uids. */
  readonly uid: number;
  readonly service: string;
  readonly podIndex: number;
  /** Absent: a reservation, or no part of what is expected. */
  readonly incarnation?: number;
  readonly lifetime: Lifetime;
  readonly graceMs: number;
  readonly renew: boolean;
  readonly token: TokenChoice;
  /** Which other parts a `renew` or `remove` expects. */
  readonly expects: { readonly podIndex: boolean; readonly incarnation: boolean };
}

/** What all clients do between two steps of time: each its own list, one after the other, all lists at the same time. */
export interface Round {
  readonly clients: readonly (readonly OpDraft[])[];
  /** By how much time moves on afterwards, in milliseconds. */
  readonly thenMs: number;
}

/** Who does what, in a random history. */
export interface Program {
  readonly seed: number;
  readonly clients: number;
  readonly uids: number;
  readonly rounds: readonly Round[];
}

/** Pods and lives so few that they meet. */
const PODS = 3;
const INCARNATIONS = 3;
const FIRST_INCARNATION = 1_700_000_000_001;
const KINDS: readonly LinkOpKind[] = [
  ...(["get", "get", "get", "set", "trySet", "trySet", "setIfAbsent", "setIfAbsent", "setIfAbsent"] as const),
  ...(["replace", "replace", "renew", "remove", "remove"] as const),
];
/** Lifetimes and graces that end within the steps of time. */
const TTLS_MS = [5, 20, 50, 200];
const STEPS_MS = [1, 4, 5, 16, 20, 60, 150];

/**
 * A random program of all link operations, few pods over few uids, so that they collide and overlap.
 * @throws RouteError CONFIG
 */
export function randomProgram(options: ProgramOptions): Program {
  const random = new SeededRandom(checkWhole("seed", options.seed, Number.MIN_SAFE_INTEGER));
  const clients = checkWhole("clients", options.clients ?? random.integer(3, 8), 2, 64);
  const operations = checkWhole("operations", options.operations ?? random.integer(30, 60), clients);
  const uids = checkWhole("uids", options.uids ?? random.integer(1, 3), 1);
  const rounds = checkWhole("rounds", options.rounds ?? random.integer(4, 8), 1);
  const { services = ["room"] } = options;
  const lists = Array.from({ length: rounds }, () => Array.from({ length: clients }, (): OpDraft[] => []));
  for (let operation = 0; operation < operations; operation += 1) {
    const list = lists[operation % rounds]?.[random.integer(0, clients - 1)];
    list?.push(draft(random, { uid: random.integer(0, uids - 1), service: random.pick(services) }));
  }
  return {
    seed: options.seed,
    clients,
    uids,
    rounds: lists.map((list) => ({ clients: list, thenMs: random.pick(STEPS_MS) })),
  };
}

function draft(random: SeededRandom, which: Pick<OpDraft, "uid" | "service">): OpDraft {
  const isOwned = random.chance(0.5);
  const ttl = { ttlMs: random.pick(TTLS_MS) };
  return {
    ...which,
    kind: random.pick(KINDS),
    podIndex: random.integer(0, PODS - 1),
    ...(isOwned ? { incarnation: FIRST_INCARNATION + random.integer(0, INCARNATIONS - 1) } : {}),
    lifetime: random.chance(0.3) ? "persistent" : ttl,
    graceMs: random.chance(0.4) ? 0 : random.pick(TTLS_MS),
    renew: random.chance(0.5),
    token: random.pick(["last", "last", "stale", "any"]),
    expects: { podIndex: random.chance(0.3), incarnation: random.chance(0.3) },
  };
}

/** The tokens that a client has seen of a link. */
export interface SeenTokens {
  readonly last?: string;
  readonly stale?: string;
}

/** The operation that a draft stands for, with the tokens that its client has seen. */
export function opOfDraft(drawn: OpDraft, uid: string, seen: SeenTokens): LinkOp {
  const { kind, service, podIndex, incarnation, graceMs } = drawn;
  const key = { namespace: "history", service, uid };
  const lifetime = incarnation === undefined ? drawn.lifetime : ("persistent" as const);
  const owner = { podIndex, ...(incarnation === undefined ? {} : { incarnation }) };
  const token = drawn.token === "any" ? undefined : seen[drawn.token];
  const expected = {
    ...(drawn.expects.podIndex ? { podIndex } : {}),
    ...(drawn.expects.incarnation && incarnation !== undefined ? { incarnation } : {}),
    ...(token === undefined ? {} : { token }),
  };
  switch (kind) {
    case "get":
      return { kind, ...key };
    case "set":
    case "trySet":
      return { kind, ...key, owner, lifetime };
    case "setIfAbsent":
      return { kind, ...key, owner, lifetime, ...(drawn.renew && lifetime !== "persistent" ? { renew: true } : {}) };
    case "replace":
      return { kind, ...key, owner, lifetime, expectedToken: token ?? seen.last ?? "1" };
    case "renew":
      return { kind, ...key, expected, lifetime: drawn.lifetime };
    case "remove":
      return { kind, ...key, graceMs, ...(Object.keys(expected).length === 0 ? {} : { expected }) };
  }
}

function checkWhole(name: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RouteError("CONFIG", `randomProgram.${name}: must be a whole number from ${min} to ${max} (got ${value})`);
}
