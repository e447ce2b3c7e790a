import type { SupervisedApp, Supervisor } from "@podlink/testkit";
import { setTimeout as sleep } from "node:timers/promises";
import { programOf } from "./program.ts";
import type { Side, Sizes } from "./side.ts";

export interface HashSideOptions extends Sizes {
  /** How long the preStop hook sleeps before SIGTERM, in milliseconds. */
  readonly preStopMs: number;
}

/** After a change of the endpoints the gateways know of it: each a little later than the one before, as watches of Kubernetes are. */
const NEWS_AFTER_MS = [500, 1500];
/** What terminationGracePeriodSeconds leaves after the hook; the pod has nothing that takes so long. */
const AFTER_HOOK_MS = 10_000;

/** Users hashed over the endpoints, and a plain `sleep` as preStop hook. */
export async function hashSide(
  supervisor: Supervisor,
  redisUrl: string,
  { pods: podCount, gateways: gatewayCount, preStopMs }: HashSideOptions,
): Promise<Side> {
  const startPod = (podIndex: number): Promise<SupervisedApp> =>
    supervisor.start({
      name: `hash-pod-${podIndex}`,
      node: programOf("./hash/pod"),
      env: { REDIS_URL: redisUrl, POD_INDEX: `${podIndex}` },
      ready: "message",
      stopWithinMs: AFTER_HOOK_MS,
      readyWithinMs: 60_000,
    });
  const pods = await Promise.all(Array.from({ length: podCount }, (_, podIndex) => startPod(podIndex)));
  const gateways = await Promise.all(
    Array.from({ length: gatewayCount }, (_, index) =>
      supervisor.start({
        name: `hash-gateway-${index}`,
        node: programOf("./hash/gateway"),
        ready: "message",
        readyWithinMs: 60_000,
      }),
    ),
  );
  const endpoints = new Map(pods.map(({ url = "" }, podIndex) => [`pod-${podIndex}`, url]));
  const tell = async (afterMs: readonly number[]): Promise<void> => {
    const body = JSON.stringify(Object.fromEntries(endpoints));
    const told = gateways.map(async ({ url = "" }, index) => {
      await sleep(afterMs[index % afterMs.length] ?? 0);
      await fetch(`${url}/endpoints`, { method: "PUT", body });
    });
    await Promise.all(told);
  };
  await tell([0]);

  return {
    name: `hash + sleep ${preStopMs / 1000}`,
    urls: gateways.map(({ url = "" }) => url),
    async restart(podIndex) {
      const pod = pods[podIndex];
      if (pod === undefined) throw new Error(`there is no pod ${podIndex}`);
      const toldAtMs = performance.now();
      // Kubernetes takes a terminating pod off the endpoints at the moment its hook begins.
      endpoints.delete(`pod-${podIndex}`);
      const known = tell(NEWS_AFTER_MS);
      await sleep(preStopMs);
      const { atMs } = await pod.terminate();
      await known;
      await pod.restart();
      endpoints.set(`pod-${podIndex}`, pod.url ?? "");
      await tell(NEWS_AFTER_MS);
      return { goneAfterMs: atMs - toldAtMs, deadlineMs: preStopMs + AFTER_HOOK_MS };
    },
    async end() {
      await Promise.all([...pods, ...gateways].map((app) => app.kill()));
    },
  };
}
