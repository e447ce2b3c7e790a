import type { UserFigures } from "./user-record.ts";

/** A counter that its acknowledgements do not explain. */
export interface CountBreach {
  readonly uid: string;
  readonly count: number;
  /** So many changes were acknowledged: less is lost. */
  readonly least: number;
  /** So many may have been carried out: more is done twice, or by nobody. */
  readonly most: number;
}

/**
 * Reads every user's counter once the load has ended, and holds it to acknowledged <= count <= acknowledged + doubtful: equal
 * where every change was acknowledged, as repeats with a key bring about. The counters must have begun at 0, and nobody else may change
 * them. Empty: all is explained.
 * @param read the counter of a user; what it throws is thrown.
 */
export async function countBreaches(
  users: Iterable<UserFigures>,
  read: (uid: string) => Promise<number>,
  options: { readonly concurrency?: number } = {},
): Promise<CountBreach[]> {
  const breaches: CountBreach[] = [];
  const rest = users[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const { uid, acknowledged: least, doubtful, highestCount = 0 } = next.value;
      const most = least + doubtful;
      const count = await read(uid);
      // What was answered once may not be unsaid: a counter below it went back.
      if (count < least || count > most || count < highestCount) breaches.push({ uid, count, least, most });
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 16 }, work));
  return breaches;
}
