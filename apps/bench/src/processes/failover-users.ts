import { sleep } from "@podlink/types";
import { Pool } from "undici";
import { answerParent } from "../support/child.ts";

export type UsersQuestion = { readonly gateways: readonly string[]; readonly users: readonly string[] } & (
  | { readonly ask: "once" }
  /** Kills the process, and asks until all are served. */
  | { readonly kill: number }
);

/** Who is refused comes again after so long, by chance in between: as clients do, and not all together. */
const [LEAST_PAUSE_MS, LONGEST_PAUSE_MS] = [50, 100];
const GIVEN_UP_AFTER_MS = 30_000;
const CONNECTIONS = 20;

// The users of the pod that is killed, and those who will be. Answers which pods served them, or when the last was served after the kill.
answerParent(async (question: UsersQuestion): Promise<readonly number[] | number> => {
  const pools = question.gateways.map((url) => new Pool(url, { connections: CONNECTIONS }));
  const forEach = <T>(work: (pool: Pool, uid: string) => Promise<T>): Promise<T[]> =>
    Promise.all(question.users.map((uid, turn) => work(pools[turn % pools.length]!, uid)));
  try {
    if ("ask" in question) return await forEach(served);
    const killedAtMs = performance.now();
    process.kill(question.kill, "SIGKILL");
    return Math.max(...(await forEach(servedAgainAtMs))) - killedAtMs;
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
});

/** @throws Error when the user is refused */
async function served(pool: Pool, uid: string): Promise<number> {
  const podIndex = await increment(pool, uid);
  if (podIndex === undefined) throw new Error(`${uid} was refused`);
  return podIndex;
}

/** @throws Error when the user is not served in time */
async function servedAgainAtMs(pool: Pool, uid: string): Promise<number> {
  const endMs = performance.now() + GIVEN_UP_AFTER_MS;
  await sleep(Math.random() * LONGEST_PAUSE_MS); // nobody asks because a pod dies: they don't know it
  for (;;) {
    const podIndex = await increment(pool, uid);
    const nowMs = performance.now();
    if (podIndex !== undefined) return nowMs;
    if (nowMs > endMs) throw new Error(`${uid} was not served again`);
    await sleep(LEAST_PAUSE_MS + Math.random() * (LONGEST_PAUSE_MS - LEAST_PAUSE_MS));
  }
}

/** The pod that answered. Undefined: refused. */
async function increment(pool: Pool, uid: string): Promise<number | undefined> {
  const { statusCode, body } = await pool.request({ method: "POST", path: `/s/room/u/${uid}/incr` });
  if (statusCode === 200) return ((await body.json()) as { readonly pod: number }).pod;
  await body.dump();
  return undefined;
}
