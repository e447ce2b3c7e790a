// A pod as a process of its own, with the times that its environment says. Its users ask it over HTTP:
// GET /<uid> is guarded, POST /<uid>?graceMs=n releases the uid, GET /?held tells how many it holds, POST /?take=n has it
// take the users user-0 to user-(n-1). SIGTERM drains.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLogger } from "@podlink/types";
import { joinAsPod } from "podlink";

const { REDIS_URL: redis = "", POD_INDEX = "0", SERVER = "{}", ROUTES = "{}", PENDING = "" } = process.env;
/** Guards at a time: what fits well into their deadline. */
const TAKEN_AT_ONCE = 500;
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
// Told before the pod joins: a drain may come while it starts.
if (PENDING !== "") process.send?.({ url: `http://127.0.0.1:${port}` });
const pod = await joinAsPod({
  redis,
  namespace: "prod",
  service: "room",
  podIndex: Number(POD_INDEX),
  http: { port, host: "127.0.0.1" },
  server: JSON.parse(SERVER) as object,
  routes: JSON.parse(ROUTES) as object,
  logger: silentLogger,
});
pod.stopOnSignal({
  after: () => {
    server.closeAllConnections();
    server.close();
    process.disconnect();
  },
});
async function take(count: number): Promise<void> {
  const uids = Array.from({ length: count }, (_, user) => `user-${user}`);
  while (uids.length > 0) await Promise.all(uids.splice(0, TAKEN_AT_ONCE).map(async (uid) => pod.driver.guard(uid)));
}
server.on("request", (req, res) => {
  const { pathname, searchParams } = new URL(req.url ?? "/", "http://pod");
  const uid = pathname.slice(1);
  const answer = async (): Promise<unknown> => {
    if (searchParams.has("held")) return { held: pod.driver.held(), phase: pod.driver.state.phase };
    if (searchParams.has("take")) {
      await take(Number(searchParams.get("take")));
      return { held: pod.driver.held() };
    }
    if (req.method === "POST") return pod.driver.removeLinkedPod(uid, Number(searchParams.get("graceMs") ?? 0));
    return pod.driver.guard(uid);
  };
  answer().then(
    (value) => res.end(JSON.stringify(value)),
    (error: unknown) => res.writeHead(500).end(String(error)),
  );
});
pod.ready();
if (PENDING === "") process.send?.({ url: `http://127.0.0.1:${port}` });
