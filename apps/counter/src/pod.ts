/** A pod of the service `counter`: `POST /u/<uid>/incr` with an Idempotency-Key, `GET /u/<uid>`. */
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { FenceRefused, joinAsPod, RouteError } from "podlink";
import { CounterStore } from "./counter-store.ts";
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
  ...(times && { server: times.server }),
});
const sessions = pod.sessions({ load: async (uid, { fence }) => ({ counter: await counters.load(uid, fence) }) });

async function increment(uid: string, key: string): Promise<number> {
  return sessions.use(uid, async (session, { fence }) => {
    const { count, keys } = session.counter;
    if (keys.includes(key)) return count; // it was done before
    const next = { count: count + 1, keys: [...keys, key].slice(-KEYS) };
    try {
      await counters.write(uid, fence, next); // first written, then acknowledged
    } catch (error) {
      // Perhaps it was written, perhaps it will be: a new token ends that, and what is there is loaded again.
      throw FenceRefused.is(error) ? error : new FenceRefused(fence.token);
    }
    session.counter = next;
    return next.count;
  });
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
    const work = key === undefined ? sessions.use(uid, ({ counter }) => counter.count) : increment(uid, key);
    work.then(
      (count) => res.end(JSON.stringify({ uid, count, pod: pod.podIndex })),
      (error: unknown) => {
        const { code, message } = RouteError.from(error);
        const notRun = RouteError.is(error); // sessions and guard refuse before anything runs
        res.writeHead(notRun ? 503 : 500, { "retry-after": "1" }).end(JSON.stringify({ error: { code, message } }));
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
