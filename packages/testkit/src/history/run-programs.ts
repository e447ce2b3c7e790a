import type { LinkStore } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Attempt, LinkLogOptions } from "./link-log.ts";
import { LinkLog } from "./link-log.ts";
import type { OpDraft, Program, SeenTokens } from "./random-programs.ts";
import { opOfDraft } from "./random-programs.ts";
import { recordLinks } from "./record-links.ts";
import type { LinkHistory } from "./recorded-op.ts";
import { linkAfter } from "./results.ts";
import type { SteppedTime } from "./stepped-time.ts";

export interface RunOptions extends Omit<LinkLogOptions, "time"> {
  /** The stores that clients call, each its own connections: client n calls the store n, from the first again when they end. */
  readonly stores: readonly LinkStore[];
  /** The time of all these stores. It steps between rounds, when every operation has returned. */
  readonly time: SteppedTime;
  /** What the uids of program n begin with; no other history may use them. Default: `s<seed>`. */
  readonly uidPrefix?: (program: Program, index: number) => string;
}

/** Programs under way. */
export interface ProgramsRun {
  /** The history of each program. It rejects only when a store breaks: what callers are told by a RouteError is recorded. */
  readonly histories: Promise<LinkHistory[]>;
  /** As `LinkLog.attempted`, for whichever history the operation belongs to. */
  readonly attempted: (attempt: Attempt) => boolean;
}

/**
 * Runs programs over the same stores, all at the same time: thousands of histories need a few connections only. Time moves
 * between rounds, by what the first program says, so that nearly every operation can have been judged by one time only.
 */
export function runPrograms(programs: readonly Program[], options: RunOptions): ProgramsRun {
  const { stores, time, uidPrefix = ({ seed }) => `s${seed}`, ...facts } = options;
  if (stores.length === 0) throw new RouteError("CONFIG", "runPrograms.stores: there must be one at least");
  const logs = new Map<string, LinkLog>();
  const running = programs.map((program, index) => {
    const log = new LinkLog({ ...facts, time });
    const prefix = uidPrefix(program, index);
    if (logs.has(prefix)) throw new RouteError("CONFIG", `runPrograms: two programs have the uids of ${prefix}`);
    logs.set(prefix, log);
    return new RunningProgram(program, { log, stores, uidPrefix: prefix });
  });
  return {
    histories: runAll(running, time),
    attempted: (attempt) => logs.get(prefixOf(attempt.uid))?.attempted(attempt) ?? false,
  };
}

async function runAll(running: readonly RunningProgram[], time: SteppedTime): Promise<LinkHistory[]> {
  const rounds = Math.max(0, ...running.map(({ program }) => program.rounds.length));
  try {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(running.map((one) => one.runRound(round)));
      time.advance(running[0]?.program.rounds[round]?.thenMs ?? 1);
    }
    return running.map(({ log }) => log.history());
  } finally {
    for (const { log } of running) log.close();
  }
}

const uidOf = (prefix: string, number: number): string => `${prefix}-${number}`;
/** The other way round: which program a uid belongs to. */
const prefixOf = (uid: string): string => uid.slice(0, uid.lastIndexOf("-"));

interface ProgramPlace {
  readonly log: LinkLog;
  readonly stores: readonly LinkStore[];
  readonly uidPrefix: string;
}

interface RunningClient {
  readonly store: LinkStore;
  /** By link. */
  readonly seen: Map<string, SeenTokens>;
}

class RunningProgram {
  readonly program: Program;
  readonly log: LinkLog;
  readonly #uidPrefix: string;
  readonly #clients: readonly RunningClient[];

  constructor(program: Program, { log, stores, uidPrefix }: ProgramPlace) {
    this.program = program;
    this.log = log;
    this.#uidPrefix = uidPrefix;
    this.#clients = Array.from({ length: program.clients }, (_, index) => {
      const store = stores[index % stores.length] as LinkStore;
      return { store: recordLinks(store, { log, client: `c${index + 1}` }), seen: new Map<string, SeenTokens>() };
    });
  }

  async runRound(round: number): Promise<void> {
    const lists = this.program.rounds[round]?.clients ?? [];
    await Promise.all(lists.map((list, client) => this.#runList(list, client)));
  }

  async #runList(list: readonly OpDraft[], client: number): Promise<void> {
    const { store, seen } = this.#clients[client] as RunningClient;
    for (const drawn of list) {
      const uid = uidOf(this.#uidPrefix, drawn.uid);
      const link = `${drawn.service}/${uid}`;
      const known = seen.get(link) ?? {};
      try {
        const result = await store.execute(opOfDraft(drawn, uid, known));
        const last = linkAfter(result)?.token;
        if (last === undefined || last === known.last) continue;
        seen.set(link, { last, ...(known.last === undefined ? {} : { stale: known.last }) });
      } catch (error) {
        if (!RouteError.is(error)) throw error; // recorded: what its caller was told
      }
    }
  }
}
