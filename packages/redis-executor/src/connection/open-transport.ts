import { Cluster, Redis } from "ioredis";
import type { RedisExecutorSettings } from "../options.ts";
import { clusterNodes, clusterOptions, sentinelOptions, singleOptions } from "./client-options.ts";
import { ClusterTransport } from "./cluster-transport.ts";
import { directConnector, sentinelConnector } from "./corked-connector.ts";
import { SingleTransport } from "./single-transport.ts";
import type { ServerInfo, Transport, TransportEvents } from "./transport.ts";

/** The way to the Redis that the options name; connecting begins at once. */
export function openTransport(
  settings: RedisExecutorSettings,
  password: () => string | undefined,
  events: TransportEvents,
): Transport {
  const { client, cluster, sentinels } = settings;
  const shared = { isInjected: client !== undefined, events, password };
  if (client !== undefined)
    return isCluster(client)
      ? new ClusterTransport({ ...shared, cluster: client })
      : new SingleTransport({ ...shared, kind: client.options.sentinels ? "sentinel" : "single", redis: client });

  // The connectors are made with the client, before the transport that hears of what they learn.
  let transport: { hearInfo(info: ServerInfo, server: string): void } | undefined;
  const hear = (info: ServerInfo, server: string): void => transport?.hearInfo(info, server);
  if (cluster !== undefined) {
    const options = clusterOptions(settings, directConnector(hear));
    const made = new ClusterTransport({ ...shared, cluster: new Cluster(clusterNodes(settings), options) });
    transport = made;
    return made;
  }
  const kind = sentinels === undefined ? "single" : "sentinel";
  const redis =
    kind === "single"
      ? new Redis({ ...singleOptions(settings), Connector: directConnector(hear) })
      : new Redis({ ...sentinelOptions(settings), Connector: sentinelConnector(hear) });
  const made = new SingleTransport({ ...shared, kind, redis });
  transport = made;
  return made;
}

const isCluster = (client: Redis | Cluster): client is Cluster => client.isCluster;
