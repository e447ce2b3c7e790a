/** A pod of the service `counter`: `POST /u/<uid>/incr` with an Idempotency-Key, `GET /u/<uid>`. */
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Link } from "podlink";
import { FenceRefused, joinAsPod, RouteError } from "podlink";
import { CounterStore } from "./counter-store.ts";
import { failpoint } from "./failpoint.ts";
import { times } from "./times.ts";

const { REDIS_URL: redis, COUNTERS_URL = "", POD_INDEX = "0" } = process.env;
/** How many Idempotency-Keys are remembered of each user. */
const KEYS = 100;

const counters = new CounterStore(COUNTERS_URL);
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;

const pod = await joinAsPod({
  redis,
  namespace: "example",
  service: "counter",
  podIndex: Number(POD_INDEX),
  http: { host: "127.0.0.1", port },
  ...(times && { server: times.server, routes: times.routes }),
});
const sessions = pod.sessions({ load: async (uid, { fence }) => ({ counter: await counters.load(uid, fence) }) });

interface Answer {
  readonly uid: string;
  readonly count: number;
  readonly pod: number;
  readonly incarnation: number | undefined;
  readonly token: string;
}
/** Who answered under which token stands in every answer: tests tell two owners by it. */
const answer = ({ uid, podIndex, incarnation, token }: Link, count: number): Answer => {
  return { uid, count, pod: podIndex, incarnation, token };
};

const read = (uid: string): Promise<Answer> =>
  sessions.use(uid, ({ counter }, { link }) => answer(link, counter.count));

async function increment(uid: string, key: string): Promise<Answer> {
  let isDoubtful = false;
  try {
    return await sessions.use(uid, async (session, { link, fence }) => {
      isDoubtful = false; // what is loaded under a new token shows whether an older write came, and none comes any more
      const { count, keys } = session.counter;
      if (keys.includes(key)) return answer(link, count); // it was done before
      const next = { count: count + 1, keys: [...keys, key].slice(-KEYS) };
      try {
        await failpoint("counter:before-write", { uid });
        await counters.write(uid, fence, next); // first written, then acknowledged
        await failpoint("counter:after-write", { uid });
      } catch (error) {
        if (FenceRefused.is(error)) throw error;
        isDoubtful = true;
        throw new FenceRefused(fence.token); // asks for a new token
      }
      session.counter = next;
      return answer(link, next.count);
    });
  } catch (cause) {
    if (!isDoubtful) throw cause;
    throw new RouteError("POD_UNAVAILABLE", "the counter may have been written", { outcome: "unknown", cause });
  }
}

const uidOf = (req: IncomingMessage): string => decodeURIComponent((req.url ?? "").split("/")[2] ?? "");

const guard = pod.guard({ uid: uidOf });
server.on("request", (req, res) => {
  guard(req, res, () => {
    const uid = uidOf(req);
    const key = req.headers["idempotency-key"]?.toString();
    if (req.method === "POST" && key === undefined) {
      res.writeHead(400).end("an Idempotency-Key is needed");
      return;
    }
    const work = req.method === "POST" && key !== undefined ? increment(uid, key) : read(uid);
    work.then(
      (answered) => res.end(JSON.stringify(answered)),
      (error: unknown) => {
        // 503 says: not done, unless the outcome says otherwise. Of any other error nothing is known.
        const status = RouteError.is(error) ? 503 : 500;
        const { code, message, outcome, retryAfterMs } = RouteError.from(error);
        res.writeHead(status, { "retry-after": "1" });
        res.end(JSON.stringify({ error: { code, message, outcome, retryAfterMs } }));
      },
    );
  });
});

pod.ready();
pod.stopOnSignal({
  after: () => {
    server.close();
    server.closeAllConnections();
    counters.close();
  },
});
process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
