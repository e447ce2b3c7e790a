import type { LinkHistory, RecordedOp } from "@podlink/testkit";
import type { Lifetime, Link, LinkOp, Owner } from "@podlink/types";

const key = { namespace: "prod", service: "room", uid: "alice" };
/** The store's time where nothing else is said, in ms; the first token that it can give. */
export const NOW_MS = 1_000_000;
export const FIRST = NOW_MS * 1000;

type Without<O> = O extends LinkOp ? Omit<O, keyof typeof key> & Partial<Pick<O, "uid" | "service">> : never;
/** An operation on the one link of these histories. */
type Asked = Without<LinkOp>;

/** A recorded operation in short: called and returned in the order of the history. */
export interface Told extends Omit<Partial<RecordedOp>, "op" | "outcome"> {
  readonly asked: Asked;
  readonly at: readonly [called: number, returned?: number];
  /** What its caller was told. */
  readonly told: unknown;
}

/** Nobody knows what became of it. */
export const UNKNOWN = Symbol("unknown");
export const REFUSED = Symbol("refused");

/** A history written by hand. */
export function historyOf(told: readonly Told[], facts: Omit<LinkHistory, "operations"> = {}): LinkHistory {
  const operations = told.map(({ asked, at: [called, returned], told: answer, ...rest }, index): RecordedOp => ({
    id: `o${index + 1}`,
    client: "c1",
    times: [NOW_MS],
    ...rest,
    op: { ...key, ...(asked.kind === "get" ? {} : { opId: `o${index + 1}` }), ...asked } as LinkOp,
    called,
    ...(returned === undefined ? {} : { returned }),
    outcome:
      answer === UNKNOWN
        ? { kind: "unknown" }
        : answer === REFUSED
          ? { kind: "refused" }
          : ({ kind: "answered", ...(answer === undefined ? {} : { result: answer }) } as RecordedOp["outcome"]),
  }));
  return { operations, ...facts };
}

/** A reservation of a pod, as a reply has it. */
export function reservation(podIndex: number, token: number, expiresInMs?: number): Link {
  return {
    ...key,
    podIndex,
    token: String(token),
    kind: "reservation",
    ...(expiresInMs === undefined ? {} : { expiresInMs }),
  };
}

export function owned(podIndex: number, incarnation: number, token: number): Link {
  return { ...key, podIndex, incarnation, token: String(token), kind: "owned" };
}

export function naming(podIndex: number, lifetime: Lifetime = "persistent"): { owner: Owner; lifetime: Lifetime } {
  return { owner: { podIndex }, lifetime };
}
