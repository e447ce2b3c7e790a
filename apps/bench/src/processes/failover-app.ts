import { startGateway } from "@podlink/gateway";
import { RedisSessionStore, startRoom } from "@podlink/stateful-server";
import { connect } from "podlink";
import { answerParent } from "../support/child.ts";
import { failoverTimes } from "../support/failover-times.ts";

export type FailoverAppQuestion = { readonly redisUrl: string } & (
  | { readonly podIndex: number }
  | { readonly app: "gateway" }
);

const { heartbeatIntervalMs, leaseMs, leaseMarginMs, graceMs } = failoverTimes;
const namespace = "bench";
// A silence has to be seen, and a reading that fails noticed, within the lease.
const routes = { stateRefreshMs: 100, silenceMs: 2 * heartbeatIntervalMs + 50, slowStartMs: 1000 };

// A gateway, or a pod of the sample service: as it is deployed, but for the times.
answerParent(async (question: FailoverAppQuestion): Promise<string> => {
  const { redisUrl } = question;
  if ("podIndex" in question) {
    const server = { heartbeatIntervalMs, leaseMs, leaseMarginMs, cpuFactor: 0 };
    const pod = { redis: redisUrl, namespace, podIndex: question.podIndex, server, routes };
    const sessionStore = new RedisSessionStore({ url: redisUrl, namespace, service: "room" });
    return (await startRoom({ sessionStore, pod })).url;
  }
  const client = { leaseMs, leaseMarginMs, failover: { graceMs } };
  const podlink = await connect({ redis: redisUrl, namespace, client, routes });
  return (await startGateway({ podlink, port: 0, logLevel: "warn", services: ["room"] })).url;
});
