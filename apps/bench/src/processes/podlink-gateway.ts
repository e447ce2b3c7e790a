import { MemoryExecutor } from "@podlink/memory-executor";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, joinAsPod } from "podlink";
import { answerParent } from "../support/child.ts";

// A gateway as podlink's users write it: the uid is the first part of the path.
answerParent(async ({ podPort }: { readonly podPort: number }) => {
  const store = new MemoryExecutor();
  const name = { namespace: "bench", service: "room" };
  const pod = await joinAsPod({ ...name, store, podIndex: 0, http: { host: "127.0.0.1", port: podPort } });
  pod.ready();
  const podlink = await connect({ store, namespace: name.namespace });
  const rooms = podlink.service(name.service);
  await rooms.init();
  const proxy = rooms.proxy({ uid: (req) => req.url?.split("/", 2)[1] });
  const server = createServer((req, res) => proxy.handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
});
