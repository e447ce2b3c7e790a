const NOBODY: readonly boolean[] = [false];

/** The pods of a service that are available whatever the time is: for who asks with every request. */
export interface CertainPods {
  /**
   * True: the pod of that index is available, and nothing else needs to be looked at. Another array from time to time: not to
   * be kept.
   */
  readonly byIndex: readonly boolean[];
}

/** Which pods of a service are available, so that a hit finds the answer in one array. */
export class Availability implements CertainPods {
  byIndex: readonly boolean[] = NOBODY;
  readonly #available: boolean[] = [false];

  /** Whether the pod is available, if what is known may be used. */
  has(podIndex: number): boolean {
    return this.#available[podIndex] === true;
  }

  put(podIndex: number, available: boolean): void {
    while (this.#available.length <= podIndex) this.#available.push(false); // without holes, which are slower to read
    this.#available[podIndex] = available;
  }

  /** Says whether what is known may be used until something else is heard: it is certain then. */
  setCertain(isCertain: boolean): void {
    this.byIndex = isCertain ? this.#available : NOBODY;
  }
}
