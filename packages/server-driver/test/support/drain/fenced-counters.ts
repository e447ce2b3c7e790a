import type { Link } from "@podlink/types";

interface Row {
  readonly token: number;
  readonly holder: string;
  readonly count: number;
}

/** The storage that services are told to build: every write carries token and holder, and a load raises them. */
export class FencedCounters {
  readonly #rows = new Map<string, Row>();

  /** The count, from now on fenced for this link. Undefined: refused, a higher token was here. */
  load(link: Link): number | undefined {
    const row = this.#rows.get(link.uid);
    const { token, holder } = fenceOf(link);
    const mayLoad = row === undefined || row.token < token || (row.token === token && row.holder === holder);
    if (!mayLoad) return undefined;
    const count = row?.count ?? 0;
    this.#rows.set(link.uid, { token, holder, count });
    return count;
  }

  /** False: refused, another period has loaded since. */
  save(link: Link, count: number): boolean {
    const row = this.#rows.get(link.uid);
    const { token, holder } = fenceOf(link);
    if (row?.token !== token || row.holder !== holder) return false;
    this.#rows.set(link.uid, { token, holder, count });
    return true;
  }

  count(uid: string): number {
    return this.#rows.get(uid)?.count ?? 0;
  }
}

function fenceOf({ token, podIndex, incarnation }: Link): { token: number; holder: string } {
  return { token: Number(token), holder: `${podIndex}.${incarnation}` };
}
