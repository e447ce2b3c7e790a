/** A time in which one life of a pod owned a uid under one token. */
export interface PeriodRecord {
  readonly incarnation: number | undefined;
  readonly token: string;
  readonly fromMs: number;
  /** Absent: it is on. */
  toMs?: number;
}

/** So many periods of a uid are remembered, the latest. */
const REMEMBERED = 4;

/** The periods of one uid on one pod, in the order in which they were told. */
export class PeriodBook {
  readonly #periods: PeriodRecord[] = [];

  get latest(): PeriodRecord | undefined {
    return this.#periods.at(-1);
  }

  /** The period that is on. */
  get open(): PeriodRecord | undefined {
    const { latest } = this;
    return latest?.toMs === undefined ? latest : undefined;
  }

  taken(incarnation: number | undefined, token: string, atMs: number): void {
    this.ended(atMs); // its end was not told
    this.#periods.push({ incarnation, token, fromMs: atMs });
    if (this.#periods.length > REMEMBERED) this.#periods.shift();
  }

  ended(atMs: number): void {
    const { open } = this;
    if (open !== undefined) open.toMs = atMs;
  }

  /** Whether some moment from one time to the other lies in a period with this token. */
  covers(incarnation: number | undefined, token: string, fromMs: number, toMs: number): boolean {
    return this.#periods.some(
      (period) =>
        period.token === token &&
        period.incarnation === incarnation &&
        period.fromMs <= toMs &&
        (period.toMs === undefined || period.toMs >= fromMs),
    );
  }
}
