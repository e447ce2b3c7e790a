/** Which instrument did it. */
export type InjectionSource = "proxy" | "supervisor" | "server" | "failpoint" | "process";

/** Something that was done to a part of the system, by the instrument's own record. */
export interface Injection {
  readonly source: InjectionSource;
  readonly what: string;
  /** On this process' monotonic clock. */
  readonly fromMs: number;
  /** The same clock. Absent: it still lasts. */
  readonly toMs?: number;
}

type Recorded = { -readonly [Part in keyof Injection]: Injection[Part] };

/** What one row injected. */
export class Injections {
  readonly #begun: { readonly injection: Recorded; readonly happened: () => boolean }[] = [];
  readonly #records: (() => readonly Injection[])[] = [];

  /** All that happened, by now. */
  get all(): readonly Injection[] {
    const begun = this.#begun.filter(({ happened }) => happened()).map(({ injection }) => injection);
    return [...begun, ...this.#records.flatMap((read) => read())];
  }

  /**
   * From now on; call what is returned when it is over.
   * @param happened whether it met anything. Default: it did.
   */
  begin(source: InjectionSource, what: string, happened: () => boolean = () => true): () => void {
    const injection: Recorded = { source, what, fromMs: performance.now() };
    this.#begun.push({ injection, happened });
    return () => void (injection.toMs ??= performance.now());
  }

  /** What an instrument has on record, read when it is asked for. */
  follow(read: () => readonly Injection[]): void {
    this.#records.push(read);
  }
}
