import { Pool } from "undici";

/** What the service answered to one acknowledged increment. */
export interface Acknowledged {
  readonly uid: string;
  readonly key: string;
  readonly count: number;
  readonly pod: number;
  readonly incarnation: number;
  readonly token: string;
}

/** One try: how it ended, and when. */
export interface Attempt {
  readonly uid: string;
  readonly atMs: number;
  readonly status: number;
}

/** Clients of the sample service behind a gateway, over many connections. Remembers what was acknowledged. */
export class Users implements AsyncDisposable {
  readonly acknowledged: Acknowledged[] = [];
  readonly refused: Attempt[] = [];
  readonly #pool: Pool;

  constructor(url: string, connections = 64) {
    // A connection that was idle for longer may be about to be closed, and a request on its way then is reset.
    const keepAlive = { keepAliveTimeout: 1000, keepAliveMaxTimeout: 1000 };
    this.#pool = new Pool(url, { connections, pipelining: 1, ...keepAlive });
  }

  /** One increment, once. Undefined: refused, and noted as such. */
  async increment(uid: string, key: string): Promise<Acknowledged | undefined> {
    const path = `/s/room/u/${encodeURIComponent(uid)}/incr`;
    const response = await this.#pool.request({ method: "POST", path, headers: { "idempotency-key": key } });
    const text = await response.body.text();
    if (response.statusCode !== 200) {
      this.refused.push({ uid, atMs: performance.now(), status: response.statusCode });
      return undefined;
    }
    const body = { key, ...(JSON.parse(text) as Omit<Acknowledged, "key">) };
    if (String(response.headers["podlink-pod"]) !== String(body.pod)) throw new Error(`podlink-pod is not ${body.pod}`);
    this.acknowledged.push(body);
    return body;
  }

  async state(uid: string): Promise<{ count: number; pod: number }> {
    const response = await this.#pool.request({ method: "GET", path: `/s/room/u/${encodeURIComponent(uid)}/state` });
    if (response.statusCode !== 200) throw new Error(`state of ${uid}: ${response.statusCode}`);
    return (await response.body.json()) as { count: number; pod: number };
  }

  /** Increments each uid in turn, by `workers` at a time, until `total` were tried. */
  async run(uids: readonly string[], total: number, workers = 64): Promise<void> {
    const first = this.acknowledged.length + this.refused.length;
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < total) {
        const turn = next++;
        await this.increment(uids[turn % uids.length] as string, `k${first + turn}`);
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
  }

  /** Which pods answered each uid. */
  podsByUid(): Map<string, Set<number>> {
    const pods = new Map<string, Set<number>>();
    for (const { uid, pod } of this.acknowledged) pods.set(uid, (pods.get(uid) ?? new Set()).add(pod));
    return pods;
  }

  /** The highest acknowledged count of each uid, and how many there were. */
  countsByUid(): Map<string, { highest: number; acknowledged: number }> {
    const counts = new Map<string, { highest: number; acknowledged: number }>();
    for (const { uid, count } of this.acknowledged) {
      const { highest, acknowledged } = counts.get(uid) ?? { highest: 0, acknowledged: 0 };
      counts.set(uid, { highest: Math.max(highest, count), acknowledged: acknowledged + 1 });
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}

/** How long a client waits before it tries again. */
export const RETRY_MS = 100;

/** Increments until the key is acknowledged; says when that was, and how often it had to try. */
export async function untilAcknowledged(
  users: Users,
  uid: string,
  key: string,
): Promise<{ atMs: number; tries: number }> {
  for (let tries = 1; ; tries += 1) {
    const answer = await users.increment(uid, key).catch(() => undefined);
    if (answer !== undefined) return { atMs: performance.now(), tries };
    if (tries > 300) throw new Error(`${uid} was never served again`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** `user-0`, `user-1`, ... */
export function uidsOf(count: number, prefix = "user"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

/** Busiest over mean of how many uids each pod has. */
export function imbalance(podOf: ReadonlyMap<string, number>, pods: number): number {
  const counts = new Map<number, number>();
  for (const pod of podOf.values()) counts.set(pod, (counts.get(pod) ?? 0) + 1);
  return Math.max(...counts.values()) / (podOf.size / pods);
}
