// A pod as a process of its own, with the times that its environment says. Its users ask it over HTTP:
// GET /<uid> is guarded, POST /<uid>?graceMs=n releases the uid, GET /?held tells how many it holds. SIGTERM drains.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLogger } from "@podlink/types";
import { joinAsPod } from "podlink";

const { REDIS_URL: redis = "", POD_INDEX = "0", SERVER = "{}", ROUTES = "{}", PENDING = "" } = process.env;
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
server.on("request", (req, res) => {
  const { pathname, searchParams } = new URL(req.url ?? "/", "http://pod");
  const uid = pathname.slice(1);
  const answer = async (): Promise<unknown> => {
    if (searchParams.has("held")) return { held: pod.driver.held(), phase: pod.driver.state.phase };
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
