import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLogger } from "@podlink/types";
import type { Pod } from "podlink";
import { joinAsPod } from "podlink";
import { routesWith, serverWith, times } from "../../support/times.ts";

type Answer = (req: IncomingMessage, res: ServerResponse, pod: Pod) => void | Promise<void>;

/** Where a pod that listens at `port` says that it can be reached. Default: there. */
type Registered = (port: number) => Promise<{ readonly host: string; readonly port: number }>;

export interface SmallPodOptions {
  readonly redis: string;
  readonly podIndex: number;
  /** Of a request that the guard let in. Default: says which pod it is, and by which token. */
  readonly answer?: Answer;
  readonly registered?: Registered;
}

/** A pod of the service "room" with an HTTP server of its own, in this process: a guard, and what the test wants behind it. */
export class SmallPod implements AsyncDisposable {
  readonly pod: Pod;
  readonly #server: Server;

  private constructor(pod: Pod, server: Server) {
    this.pod = pod;
    this.#server = server;
  }

  static async start({ redis, podIndex, answer = sayWho, registered }: SmallPodOptions): Promise<SmallPod> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const pod = await joinAsPod({
      redis,
      namespace: "test",
      service: "room",
      podIndex,
      http: registered === undefined ? { port } : await registered(port),
      server: serverWith(times),
      routes: routesWith(times),
      logger: silentLogger,
    });
    const guard = pod.guard();
    server.on("request", (req, res) => guard(req, res, () => void answer(req, res, pod)));
    pod.ready();
    return new SmallPod(pod, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pod.stop({ deadlineMs: 1000 });
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function sayWho(req: IncomingMessage, res: ServerResponse, { podIndex, driver }: Pod): Promise<void> {
  const answer = await driver.guard(decodeURIComponent(String(req.headers["podlink-uid"])));
  res.writeHead(answer.ok ? 200 : 503, { "content-type": "application/json" });
  res.end(JSON.stringify({ pod: podIndex, token: answer.ok ? answer.link.token : answer.reason }));
}
