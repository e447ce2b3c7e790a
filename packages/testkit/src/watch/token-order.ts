/** Somebody was told of a token, at some moment within these two. */
export interface Sighting {
  /** When the question was sent. Absent: not known (a push); it contradicts nothing that was seen before it. */
  readonly startedMs?: number | undefined;
  /** When the answer was there. */
  readonly endedMs: number;
}

/** One token and whom it names. */
export interface TokenSighting extends Sighting {
  readonly token: string;
  readonly holder: string;
}

interface KnownToken {
  readonly token: string;
  readonly value: number;
  readonly holder: string;
  /** The sighting that ended first: from then on a question finds this token or a higher one. */
  early: Sighting;
  /** The sighting that began last: until then no lower token had been overtaken. */
  late: Sighting;
}

/** Two sightings that no order of events explains. */
export type TokenContradiction =
  | { readonly kind: "went-back"; readonly before: TokenSighting; readonly after: TokenSighting }
  | { readonly kind: "two-holders"; readonly before: TokenSighting; readonly after: TokenSighting };

/** So many tokens are remembered, the highest. */
const REMEMBERED = 4;

/**
 * The tokens of one record, fed in any order. A sighting that began after another had ended must not have a lower token;
 * sightings that overlap have no known order. A token has one holder.
 */
export class TokenOrder {
  readonly #known: KnownToken[] = []; // by value

  /** The token that is remembered. Absent: never seen, or forgotten. */
  remembers(token: string): boolean {
    return this.#known.some((known) => known.token === token);
  }

  /** Remembers the sighting. Undefined: it fits what was seen. */
  see(sighting: TokenSighting): TokenContradiction | undefined {
    const value = Number(sighting.token);
    const contradiction = this.#contradiction(sighting, value);
    this.#remember(sighting, value);
    return contradiction;
  }

  #contradiction(sighting: TokenSighting, value: number): TokenContradiction | undefined {
    const { startedMs = Number.NEGATIVE_INFINITY, endedMs, holder } = sighting;
    for (const known of this.#known) {
      if (known.value === value) {
        if (known.holder === holder) continue;
        return { kind: "two-holders", before: seen(known, known.early), after: sighting };
      }
      if (known.value > value && known.early.endedMs < startedMs) {
        return { kind: "went-back", before: seen(known, known.early), after: sighting };
      }
      if (known.value < value && began(known.late) > endedMs) {
        return { kind: "went-back", before: sighting, after: seen(known, known.late) };
      }
    }
    return undefined;
  }

  #remember({ token, holder, startedMs, endedMs }: TokenSighting, value: number): void {
    const sighting: Sighting = { startedMs, endedMs };
    let position = this.#known.length;
    while (position > 0 && (this.#known[position - 1] as KnownToken).value > value) position -= 1;
    const same = this.#known[position - 1];
    if (same?.value === value) {
      if (endedMs < same.early.endedMs) same.early = sighting;
      if (began(sighting) > began(same.late)) same.late = sighting;
      return;
    }
    this.#known.splice(position, 0, { token, value, holder, early: sighting, late: sighting });
    if (this.#known.length > REMEMBERED) this.#known.shift();
  }
}

function seen({ token, holder }: KnownToken, sighting: Sighting): TokenSighting {
  return { token, holder, ...sighting };
}

function began({ startedMs = Number.NEGATIVE_INFINITY }: Sighting): number {
  return startedMs;
}
