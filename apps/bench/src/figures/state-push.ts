import { setImmediate } from "node:timers/promises";
import { Redis } from "ioredis";
import { connect, joinAsPod } from "podlink";
import type { Figure } from "../measure/figure.ts";
import { usPercentile } from "../measure/timing.ts";
import { onRedis, storeOn } from "../support/redis.ts";

/**
 * So many a round that the rounds before the first that counts see the code compiled. Of the first 4,000 pushes of a process 2
 * in 100 wait for 1 to 5 ms: V8's other threads compile on the core that this process is pinned to.
 */
const PUSHES = 2000;

/** How long a pod's change of state takes to a caller that watches it. */
export function statePush(variant: "p50" | "p99"): Figure {
  return {
    id: "state-push",
    variant,
    title: `a pod's state change seen by a caller, ${variant} of ${PUSHES}`,
    baseline: "raw PUBLISH to a subscriber",
    unit: "us",
    goal: { ratioAtMost: 2 },
    async prepare(preparation) {
      const { server, executor, bare } = await onRedis(preparation);
      const { defer } = preparation;
      const name = { namespace: "bench", service: "room" };
      const pod = await joinAsPod({
        ...name,
        store: executor,
        podIndex: 0,
        http: { port: 4000, host: "127.0.0.1" },
        server: { propagationMs: 0, commandTimeoutMs: 10_000 },
      });
      defer(() => pod.stop({ deadlineMs: 1000 }));
      pod.ready();
      const caller = await connect({ store: await storeOn(server, preparation), namespace: name.namespace });
      defer(() => caller.close());
      let seen = (_state: string): void => undefined;
      caller.routes.onRoutingStateChanged(({ current }) => seen(current.row.routingState));
      await caller.service(name.service).init();
      const subscriber = new Redis(server.url);
      defer(() => subscriber.disconnect());
      let heard = (): void => undefined;
      await subscriber.subscribe("bench-push");
      subscriber.on("message", () => heard());

      const share = variant === "p50" ? 0.5 : 0.99;
      const pushes = preparation.tiny ? 4 : PUSHES;
      let closed = false;
      const ours = (): Promise<void> => {
        closed = !closed;
        const wanted = closed ? "DenyNewCall" : "Ready";
        const arrived = new Promise<void>((resolve) => (seen = (state) => state === wanted && resolve()));
        pod.driver.setRoutingState(wanted);
        return arrived;
      };
      const raw = async (): Promise<void> => {
        const arrived = new Promise<void>((resolve) => (heard = resolve));
        await Promise.all([bare.publish("bench-push", "changed"), arrived]);
      };
      // A PUBLISH is over with its answer. So is a report, before another question is answered: what a pod at rest says is
      // measured, not the wait for the report before.
      const rest = async (): Promise<void> => {
        await bare.ping();
        await setImmediate();
      };
      return {
        ours: { run: () => usPercentile(share, pushes, ours, rest) },
        baseline: { run: () => usPercentile(share, pushes, raw, rest) },
      };
    },
  };
}
