/** The way to the service `counter` from outside: `/u/<uid>/...` goes to the pod of the uid. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "podlink";
import { times } from "./times.ts";

const podlink = await connect({
  redis: process.env["REDIS_URL"],
  namespace: "example",
  ...(times && { client: times.client, routes: times.routes }),
});
const proxy = podlink.service("counter").proxy({
  uid: (req) => decodeURIComponent((req.url ?? "").split("/")[2] ?? ""),
});
const server = createServer((req, res) => proxy.handle(req, res));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
process.once("SIGTERM", () => {
  server.close();
  void proxy.close().then(() => podlink.close());
});
process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
