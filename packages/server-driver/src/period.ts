import type { Link } from "@podlink/types";
import type { Granted } from "./answers.ts";
import type { HandOffEnd } from "./hand-off.ts";

/** The time in which this life of the pod owns a uid under one token. */
export class Period {
  readonly link: Link;
  /** When its lifetime in the store was last moved forward, on the monotonic clock. */
  renewedAtMs: number;
  /** The highest token that a request asked about: a claim answered for it. */
  askedToken: number;
  /** While the uid is being handed off: settles with what became of it. Requests are held until then. */
  handOff: Promise<HandOffEnd> | undefined;
  #controller: AbortController | undefined;
  #granted: Granted | undefined;
  #ended = false;
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(link: Link, atMs: number) {
    this.link = link;
    this.renewedAtMs = atMs;
    this.askedToken = Number(link.token);
  }

  get uid(): string {
    return this.link.uid;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** How many entered requests have not left. */
  get running(): number {
    return this.#running;
  }

  /** The answer to every request: made once. A uid that is only held costs no signal. */
  get granted(): Granted {
    if (this.#granted !== undefined) return this.#granted;
    this.#controller = new AbortController();
    if (this.#ended) this.#controller.abort();
    this.#granted = Object.freeze({ ok: true, link: this.link, signal: this.#controller.signal });
    return this.#granted;
  }

  /** Aborts its signal. Only the table calls it. */
  end(): void {
    this.#ended = true;
    this.#controller?.abort();
  }

  enter(): void {
    this.#running += 1;
  }

  leave(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#idle?.();
  }

  /** Resolves when no entered request runs. */
  whenIdle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => (this.#idle = resolve));
  }
}
