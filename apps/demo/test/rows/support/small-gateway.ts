import type { Gateway, GatewayOptions } from "@podlink/gateway";
import { startGateway } from "@podlink/gateway";
import { silentLogger } from "@podlink/types";
import type { Podlink } from "podlink";
import { connect } from "podlink";
import { clientWith, routesWith, times } from "../../support/times.ts";

/** A gateway in this process, over a Redis. */
export class SmallGateway implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly podlink: Podlink;

  private constructor(gateway: Gateway, podlink: Podlink) {
    this.gateway = gateway;
    this.podlink = podlink;
  }

  static async start(
    redis: string,
    options: Pick<GatewayOptions, "proxy" | "limits" | "port"> = {},
  ): Promise<SmallGateway> {
    const podlink = await connect({
      redis,
      namespace: "test",
      client: clientWith(times),
      routes: routesWith(times),
      logger: silentLogger,
    });
    const gateway = await startGateway({ podlink, port: 0, logLevel: "silent", services: ["room"], ...options });
    return new SmallGateway(gateway, podlink);
  }

  /** The counters of its proxies, and those of its links. */
  read(): Readonly<Record<string, number>> {
    return { ...this.podlink.read(), ...this.gateway.read() };
  }

  get url(): string {
    return this.gateway.url;
  }

  /** Where a user's request goes. */
  path(uid: string, rest = "/where"): string {
    return `${this.url}/s/room/u/${uid}${rest}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.close({ deadlineMs: 0 });
    await this.podlink.close();
  }
}
