/** What the sample service answers to an increment. */
export interface Incremented {
  readonly count: number;
  readonly pod: number;
  readonly incarnation: number;
  readonly token: string;
}

/** How long one try may take, and how long a caller waits before the next, in ms. */
const TRY_MS = 500;
const RETRY_MS = 50;

/** Another try wouldn't help. */
class Mistake extends Error {}

/** One increment, tried with the same key until it is acknowledged; a caller that waits for no answer longer than half a second. */
export function increment(gateway: string, uid: string, key: string, withinMs?: number): Promise<Incremented> {
  return untilAnswered(
    `${gateway}/s/room/u/${uid}/incr`,
    { method: "POST", headers: { "idempotency-key": key } },
    withinMs,
  );
}

/** The room as it is, asked for in the same way. */
export function read(gateway: string, uid: string): Promise<Incremented> {
  return untilAnswered(`${gateway}/s/room/u/${uid}/state`);
}

async function untilAnswered(url: string, init: RequestInit = {}, withinMs = 30_000): Promise<Incremented> {
  const endsAtMs = performance.now() + withinMs;
  for (;;) {
    const answer = await once(url, init).catch((error: unknown) => {
      if (error instanceof Mistake) throw error;
      return String(error);
    });
    if (typeof answer !== "string") return answer;
    if (performance.now() > endsAtMs) throw new Error(`${url} was not served within ${withinMs} ms: ${answer}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** A text: why not. */
async function once(url: string, init: RequestInit): Promise<Incremented | string> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TRY_MS) });
  if (response.ok) return (await response.json()) as Incremented;
  const why = `${response.status} ${await response.text()}`;
  if (response.status < 500 && response.status !== 421) throw new Mistake(why);
  return why;
}

/** The counter of a user, as the service has it. */
export async function countOf(gateway: string, uid: string): Promise<number> {
  const response = await fetch(`${gateway}/s/room/u/${uid}/state`);
  if (!response.ok) throw new Error(`state of ${uid}: ${response.status}`);
  return ((await response.json()) as Incremented).count;
}

/** The pods as a gateway lists them. */
export async function listed(gateway: string): Promise<readonly Record<string, unknown>[]> {
  return (await (await fetch(`${gateway}/s/room/pods`)).json()) as Record<string, unknown>[];
}
