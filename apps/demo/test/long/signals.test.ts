import type { SupervisedApp } from "@podlink/testkit";
import { Supervisor } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { increment } from "../rows/support/increment.ts";
import { RawRequest } from "../rows/support/raw-request.ts";

/** Longer than any test: who waits for it has waited in vain. */
const LONG_MS = "600000";

let redis: RedisServer;
let supervisor: Supervisor;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await supervisor.end();
  redis.cont();
});
afterAll(() => redis.end());

/** The sample programs as they are deployed. */
async function programs(
  env: Readonly<Record<string, string>> = {},
): Promise<{ pod: SupervisedApp; gateway: SupervisedApp }> {
  supervisor = new Supervisor();
  const start = (program: string, own: Readonly<Record<string, string>>): Promise<SupervisedApp> => {
    const script = new URL(`../../../${program}/src/main.ts`, import.meta.url);
    const node = { script, execArgv: ["--import", "tsx", "-C", "@podlink/source"] };
    const shared = { REDIS_URL: redis.url, PORT: "0", ...own, ...env };
    return supervisor.start({ name: program, node, env: shared, ready: "message", readyWithinMs: 60_000 });
  };
  const place = { NAMESPACE: "test", SERVICE: "room", POD_INDEX: "0", HOST: "127.0.0.1" };
  const pod = await start("stateful-server", place);
  const gateway = await start("gateway", { PODLINK_NAMESPACE: "test", SERVICES: "room" });
  return { pod, gateway };
}

const statusOf = async (app: SupervisedApp, path: string): Promise<number> => (await fetch(`${app.url}${path}`)).status;

it("a pod that gets SIGTERM is not ready at once, lives on and serves while it drains, and a second signal hurries", async () => {
  const { pod, gateway } = await programs({ PROPAGATION_MS: "300000", STOP_DEADLINE_MS: LONG_MS });
  expect(await increment(gateway.url ?? "", "ann", "before")).toMatchObject({ pod: 0, count: 1 });
  expect(await statusOf(pod, "/ready")).toBe(200);
  const ended = pod.whenEnded();
  pod.signal("SIGTERM");
  await vi.waitFor(async () => expect(await statusOf(pod, "/ready")).toBe(503), { timeout: 10_000, interval: 20 });
  expect(await statusOf(pod, "/health")).toBe(200);
  expect(await increment(gateway.url ?? "", "ann", "while-draining")).toMatchObject({ pod: 0, count: 2 });
  expect(pod.state).not.toBe("ended");
  pod.signal("SIGTERM");
  expect((await ended).code).toBe(0);
});

it("a gateway that gets SIGTERM takes nothing more, lets requests end, and a second signal hurries", async () => {
  const { pod, gateway } = await programs({ CLOSE_DEADLINE_MS: LONG_MS });
  await increment(gateway.url ?? "", "ann", "before");
  pod.pause(); // so that a request stays under way
  const underWay = await RawRequest.open(gateway.url ?? "");
  underWay.write("POST /s/room/u/ann/incr HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  expect(await statusOf(gateway, "/health"), "what came before it was read").toBe(200);
  const ended = gateway.whenEnded();
  gateway.signal("SIGTERM");
  await vi.waitFor(() => expect(fetch(`${gateway.url}/health`)).rejects.toThrow(), { timeout: 10_000, interval: 20 });
  expect(gateway.state).not.toBe("ended");
  gateway.signal("SIGTERM");
  expect(await underWay.answer()).toMatchObject({ status: 503 });
  expect((await ended).code).toBe(0);
  pod.resume();
});

it("a Redis that doesn't answer makes nobody's liveness fail, and both programs still end in time", async () => {
  const { pod, gateway } = await programs({
    PROPAGATION_MS: "100",
    HAND_OFF_TIMEOUT_MS: "500",
    STOP_DEADLINE_MS: "3000",
    CLOSE_DEADLINE_MS: "2000",
  });
  await increment(gateway.url ?? "", "ann", "before");
  redis.stop();
  await pod.says(/Redis does not answer/);
  expect(await statusOf(pod, "/health")).toBe(200);
  const ends = [pod.whenEnded(), gateway.whenEnded()];
  for (const app of [pod, gateway]) app.signal("SIGTERM");
  expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([0, 0]);
});
