import type { AppOptions, Supervisor } from "@podlink/testkit";
import { setTimeout as sleep } from "node:timers/promises";
import { programOf } from "./program.ts";
import type { Side, Sizes } from "./side.ts";

interface ListedPod {
  readonly podIndex: number;
  readonly incarnation: number;
  readonly serviceState: string;
  readonly routingState: string;
}

const LOOK_EVERY_MS = 50;
/** What `stop` takes by default. */
const DEADLINE_MS = 25_000;

/** The sample gateway and the sample pods, with podlink's defaults. */
export async function podlinkSide(supervisor: Supervisor, redisUrl: string, sizes: Sizes): Promise<Side> {
  const common = { REDIS_URL: redisUrl, HOST: "127.0.0.1", LOG_LEVEL: "warn", PORT: "0" };
  const stopWithinMs = DEADLINE_MS + 2000;
  const options = (name: string, app: "gateway" | "room", env: Record<string, string>): AppOptions => ({
    name,
    node: programOf("../child", [app]),
    env: { ...common, ...env },
    ready: "message",
    stopWithinMs,
    readyWithinMs: 60_000,
  });
  const startPod = (podIndex: number) => {
    const identity = { NAMESPACE: "rolling", SERVICE: "room", POD_INDEX: `${podIndex}` };
    return supervisor.start(options(`podlink-pod-${podIndex}`, "room", identity));
  };
  const pods = await Promise.all(Array.from({ length: sizes.pods }, (_, podIndex) => startPod(podIndex)));
  const gateways = await Promise.all(
    Array.from({ length: sizes.gateways }, (_, index) =>
      supervisor.start(
        options(`podlink-gateway-${index}`, "gateway", { PODLINK_NAMESPACE: "rolling", SERVICES: "room" }),
      ),
    ),
  );
  const urls = gateways.map(({ url = "" }) => url);

  const lifeOf = async (url: string, podIndex: number): Promise<ListedPod | undefined> => {
    const listed = (await (await fetch(`${url}/s/room/pods`)).json()) as readonly ListedPod[];
    const found = listed.find((pod) => pod.podIndex === podIndex);
    return found?.serviceState === "Ready" && found.routingState === "Ready" ? found : undefined;
  };
  /** Until every gateway routes to a life of the pod later than that one. */
  const whenReady = async (podIndex: number, after = 0): Promise<number> => {
    for (;;) {
      const lives = await Promise.all(urls.map((url) => lifeOf(url, podIndex)));
      const least = Math.min(...lives.map((life) => life?.incarnation ?? 0));
      if (least > after) return least;
      await sleep(LOOK_EVERY_MS);
    }
  };
  const incarnations = new Map<number, number>();
  for (let podIndex = 0; podIndex < sizes.pods; podIndex += 1) incarnations.set(podIndex, await whenReady(podIndex));

  return {
    name: "podlink",
    urls,
    async restart(podIndex) {
      const pod = pods[podIndex];
      if (pod === undefined) throw new Error(`there is no pod ${podIndex}`);
      const toldAtMs = performance.now();
      const { atMs } = await pod.terminate();
      await pod.restart();
      incarnations.set(podIndex, await whenReady(podIndex, incarnations.get(podIndex)));
      return { goneAfterMs: atMs - toldAtMs, deadlineMs: DEADLINE_MS };
    },
    async end() {
      await Promise.all([...pods, ...gateways].map((app) => app.kill()));
    },
  };
}
