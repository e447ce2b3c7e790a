/** A pod served a uid under a token at some moment within these two. */
export interface HeldSighting {
  readonly podIndex: number;
  readonly incarnation: number;
  readonly token: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** The time in which one holder certainly had the uid under one token, as far as is known. */
export interface HeldSpan {
  readonly podIndex: number;
  readonly incarnation: number;
  readonly token: string;
  /** The end of the sighting that ended first: it held by then. */
  heldByMs: number;
  /** The start of the sighting that began last: it still held then. */
  heldAtMs: number;
}

/** So many spans of a uid are remembered, those that were seen last. */
const REMEMBERED = 4;

/**
 * Who held one uid when, fed in any order. A holder has a token for one unbroken time: whoever takes the uid makes
 * another. So between two sightings of the same it held, and nobody else may have.
 */
export class HeldSpans {
  readonly #spans: HeldSpan[] = []; // seen last at the end

  /** Remembers the sighting. Answers with the span that it lengthened, and another holder's that it meets in time. */
  see(sighting: HeldSighting): { readonly span: HeldSpan; readonly other: HeldSpan } | undefined {
    const span = this.#spanOf(sighting);
    span.heldByMs = Math.min(span.heldByMs, sighting.endedMs);
    span.heldAtMs = Math.max(span.heldAtMs, sighting.startedMs);
    const other = this.#spans.find((known) => !isSameHolder(known, span) && overlap(known, span));
    return other === undefined ? undefined : { span, other };
  }

  #spanOf({ podIndex, incarnation, token }: HeldSighting): HeldSpan {
    const last = this.#spans.at(-1);
    const isIt = (span: HeldSpan): boolean =>
      span.token === token && span.podIndex === podIndex && span.incarnation === incarnation;
    if (last !== undefined && isIt(last)) return last;
    const index = this.#spans.findIndex(isIt);
    const [known] = index < 0 ? [] : this.#spans.splice(index, 1);
    const span = known ?? { podIndex, incarnation, token, heldByMs: Infinity, heldAtMs: Number.NEGATIVE_INFINITY };
    this.#spans.push(span);
    if (this.#spans.length > REMEMBERED) this.#spans.shift();
    return span;
  }
}

function isSameHolder(a: HeldSpan, b: HeldSpan): boolean {
  return a.podIndex === b.podIndex && a.incarnation === b.incarnation;
}

/**
 * A holder that held by one moment and still held at a later one held throughout: another's must lie before or behind.
 * A single sighting (or several that overlap) is one moment somewhere within it, and meets a span only when all of it
 * lies inside; the same comparison says so, since then its two moments are the other way round. Touching ends prove nothing.
 */
function overlap(a: HeldSpan, b: HeldSpan): boolean {
  return a.heldByMs < b.heldAtMs && b.heldByMs < a.heldAtMs;
}
