import { defer, withDeadline } from "@podlink/types";
import { Kinds } from "../kinds.ts";
import { Latencies } from "../latencies.ts";
import { messageOf } from "../message-of.ts";
import { seededRandom } from "../../seeded-random.ts";
import { LiveSocket } from "./live-socket.ts";
import type { SocketOptions, SocketSettings } from "./options.ts";
import { parseSocketOptions } from "./options.ts";
import type { SequenceFaults } from "./sequence-check.ts";
import type { SocketsReport } from "./sockets-report.ts";

/** Up to which change a user's socket must see. Absent: it need not see any. */
export type SequenceOf = (uid: string) => number | undefined;

/** WebSockets that are held open until they are ended. */
export interface Sockets extends AsyncDisposable {
  /** Resolves when all were open once. Rejects with TIMEOUT when they are not in time. */
  readonly opened: Promise<void>;
  /** The newest change that each socket has seen, in the order of the users. Absent: none yet. */
  last(): (number | undefined)[];
  /** Resolves when every socket has seen the change that `sequenceOf` says now; at the latest when the signal is aborted. */
  seen(sequenceOf: SequenceOf, signal?: AbortSignal): Promise<void>;
  /** The report so far. `sequenceOf`: what `behind` counts by; absent: nobody is behind. */
  report(sequenceOf?: SequenceOf): SocketsReport;
  /** Closes all of them for good. */
  end(): Promise<void>;
}

/** Opens a socket for each user and keeps it open. Holds what they see to 1, 2, 3, ... @throws RouteError CONFIG */
export function startSockets(options: SocketOptions): Sockets {
  return new HeldSockets(parseSocketOptions(options));
}

const MAX_FAULTS = 10;

class HeldSockets implements Sockets {
  readonly opened: Promise<void>;
  readonly #settings: SocketSettings;
  readonly #sockets: readonly LiveSocket[];
  readonly #pings: NodeJS.Timeout | undefined;
  readonly #onChange = new Set<(socket: LiveSocket) => void>();
  readonly #totals = { connections: 0, silent: 0, gone: 0, messages: 0, changes: 0, unreadable: 0 };
  readonly #closes = new Kinds();
  readonly #handshakes = new Kinds();
  readonly #closedFor = new Latencies();
  readonly #seenAfter = new Latencies();
  readonly #faults: string[] = [];
  #notOpened: number;
  readonly #allOpened = defer<void>();
  #isEnded = false;
  #ending: Promise<void> | undefined;

  constructor(settings: SocketSettings) {
    this.#settings = settings;
    const random = seededRandom(settings.seed);
    const { openWithinMs: timeoutMs, pingMs, signal } = settings;
    const ears = {
      opened: (closedForMs: number | undefined) => this.#open(closedForMs),
      closed: (code: number) => this.#closes.add(String(code)),
      refused: (reason: string) => this.#handshakes.add(reason),
      silent: () => void (this.#totals.silent += 1),
      message: (text: string, socket: LiveSocket) => this.#hear(text, socket),
      gone: () => void (this.#totals.gone += 1),
    };
    this.#sockets = settings.users.map((uid, index) => new LiveSocket({ uid, index }, settings, random, ears));
    this.#notOpened = this.#sockets.length;
    this.opened = withDeadline(this.#allOpened.promise, { timeoutMs, what: "opening the sockets" });
    this.opened.catch(() => undefined); // whoever waits for it hears of it
    if (pingMs > 0) this.#pings = setInterval(() => this.#sockets.forEach((socket) => socket.ping()), pingMs);
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (signal?.aborted === true) this.#abort();
    else void this.#connectAll();
  }

  last(): (number | undefined)[] {
    return this.#sockets.map(({ check }) => check.last);
  }

  async seen(sequenceOf: SequenceOf, signal?: AbortSignal): Promise<void> {
    const wanted = new Map(this.#sockets.map((socket) => [socket, sequenceOf(socket.uid) ?? 0]));
    const look = (socket: LiveSocket): void => {
      if ((socket.check.last ?? 0) >= (wanted.get(socket) ?? 0)) wanted.delete(socket);
      if (wanted.size === 0) done.resolve();
    };
    const done = defer<void>();
    const giveUp = (): void => done.resolve();
    this.#sockets.forEach(look);
    this.#onChange.add(look);
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted === true || this.#isEnded) giveUp();
    await done.promise;
    signal?.removeEventListener("abort", giveUp);
    this.#onChange.delete(look);
  }

  report(sequenceOf: SequenceOf = () => undefined): SocketsReport {
    const faults: Record<keyof SequenceFaults, number> = {
      lost: 0,
      duplicates: 0,
      outOfOrder: 0,
      declaredLost: 0,
      setBacks: 0,
    };
    for (const { check } of this.#sockets) {
      for (const [name, count] of Object.entries(check.faults)) faults[name as keyof SequenceFaults] += count;
    }
    const behind = this.#sockets.filter(({ uid, check }) => (check.last ?? 0) < (sequenceOf(uid) ?? 0));
    const closedFor = this.#closedFor.percentiles;
    const seenAfter = this.#seenAfter.percentiles;
    return {
      sockets: this.#sockets.length,
      open: this.#sockets.filter(({ isOpen }) => isOpen).length,
      ...this.#totals,
      closes: this.#closes.counts,
      handshakes: this.#handshakes.counts,
      ...faults,
      behind: behind.length,
      ...(closedFor && { closedFor }),
      ...(seenAfter && { seenAfter }),
      faults: this.#faults.slice(),
    };
  }

  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #end(): Promise<void> {
    this.#isEnded = true;
    this.#settings.signal?.removeEventListener("abort", this.#abort);
    clearInterval(this.#pings);
    this.#allOpened.resolve(); // nobody waits for them any more
    await Promise.all(this.#sockets.map((socket) => socket.end()));
  }

  readonly #abort = (): void => void this.end();

  /** Some at a time: a thousand handshakes at once are another test. */
  async #connectAll(): Promise<void> {
    const rest = this.#sockets.values();
    const work = async (): Promise<void> => {
      for (const socket of rest) {
        if (this.#isEnded) return;
        await socket.connect();
      }
    };
    await Promise.all(Array.from({ length: this.#settings.maxOpening }, work));
  }

  #open(closedForMs: number | undefined): void {
    this.#totals.connections += 1;
    if (closedForMs !== undefined) {
      this.#closedFor.record(closedForMs);
      return;
    }
    this.#notOpened -= 1;
    if (this.#notOpened === 0) this.#allOpened.resolve();
  }

  #hear(text: string, socket: LiveSocket): void {
    this.#totals.messages += 1;
    try {
      const message = this.#settings.read(text, socket.uid);
      if (message?.kind === "change") this.#change(socket, message.sequence, message.pushedAtMs);
      else if (message?.kind === "from") socket.check.from(message.sequence);
      else if (message?.kind === "gap") this.#gap(socket, message.next);
    } catch (error) {
      this.#totals.unreadable += 1;
      this.#fault(`${socket.uid}: ${messageOf(error)}`);
    }
  }

  #change(socket: LiveSocket, sequence: number, pushedAtMs: number | undefined): void {
    const before = socket.check.last;
    const fault = socket.check.change(sequence);
    this.#totals.changes += 1;
    if (pushedAtMs !== undefined) this.#seenAfter.record(Date.now() - pushedAtMs);
    if (fault !== undefined) this.#fault(`${socket.uid}: ${sequence} came ${fault}; the last was ${before ?? "none"}`);
    for (const look of this.#onChange) look(socket);
  }

  #gap(socket: LiveSocket, next: number): void {
    this.#fault(
      `${socket.uid}: the service said that its next change is ${next}; the last was ${socket.check.last ?? "none"}`,
    );
    socket.check.gap(next);
    for (const look of this.#onChange) look(socket);
  }

  #fault(text: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(text);
  }
}
