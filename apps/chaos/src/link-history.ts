import type { Command } from "./commands-of.ts";
import { NAMESPACE, SERVICE } from "./names.ts";

/** What a user's link was from some moment on. */
export interface LinkState {
  readonly atMs: number;
  /** Absent: there was none. */
  readonly link?: {
    readonly pod: number;
    /** 0: nobody has taken it yet. */
    readonly incarnation: number;
    readonly token: string;
    /** As it is stored: o owned, r and R reservation, g goodbye. */
    readonly kind: string;
  };
}

const KEY = new RegExp(`^pl:\\{${NAMESPACE}/[^}]*\\}(.+)$`);
const RECORD = /^1\|([0-9a-z]+)\|([0-9a-z]+)\|([0-9a-z]+)\|[0-9a-z]+\|([orRg])\|/;

/** Which pod held whom, by what the link store was told: every write of a link, in order. */
export class LinkHistory {
  readonly #users = new Map<string, LinkState[]>();
  #writes = 0;
  /** Made if there was none: what follows tells. */
  #tried: { readonly atMs: number; readonly key: string; readonly value: string | undefined } | undefined;

  /** How many writes were seen. */
  get writes(): number {
    return this.#writes;
  }

  hear({ atMs, words }: Command): void {
    const [command = "", key = "", field, value] = words;
    const tried = this.#tried;
    this.#tried = undefined;
    switch (command.toUpperCase()) {
      case "HSETNX":
        if (field === SERVICE) this.#tried = { atMs, key, value };
        break;
      case "PEXPIREAT": // the script reads the link instead where there was one
        if (tried?.key === key) this.#note(key, tried.atMs, tried.value);
        break;
      case "HSET":
        if (field === SERVICE) this.#note(key, atMs, value);
        break;
      case "HDEL":
        if (words.slice(2).includes(SERVICE)) this.#note(key, atMs, undefined);
        break;
      case "FLUSHALL":
        for (const states of this.#users.values()) states.push({ atMs });
        break;
    }
  }

  of(uid: string): readonly LinkState[] {
    return this.#users.get(uid) ?? [];
  }

  /** The pods that a user's link named at some moment of a span. */
  holders(uid: string, fromMs: number, toMs: number): Set<number> {
    const pods = new Set<number>();
    const states = this.of(uid);
    for (const [index, { atMs, link }] of states.entries()) {
      const untilMs = states[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
      if (link !== undefined && atMs <= toMs && untilMs >= fromMs) pods.add(link.pod);
    }
    return pods;
  }

  #note(key: string, atMs: number, record: string | undefined): void {
    const [, uid] = KEY.exec(key) ?? [];
    if (uid === undefined) return;
    this.#writes += 1;
    const states = this.#users.get(uid) ?? [];
    this.#users.set(uid, states);
    const [, pod = "", incarnation = "", token = "", kind = ""] = RECORD.exec(record ?? "") ?? [];
    if (kind === "") states.push({ atMs });
    else {
      const link = {
        pod: parseInt(pod, 36),
        incarnation: parseInt(incarnation, 36),
        token: String(parseInt(token, 36)),
        kind,
      };
      states.push({ atMs, link });
    }
  }
}
