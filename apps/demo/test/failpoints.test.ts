import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { silentLogger } from "@podlink/types";
import { connect, joinAsPod } from "podlink";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { clientWith, processTimes as times, routesWith, serverWith } from "./support/times.ts";

const program = fileURLToPath(new URL("./support/dies.process.ts", import.meta.url));
const app = fileURLToPath(new URL("..", import.meta.url));
/** By the package's name, as everybody starts it from a folder where it is installed. */
const words = ["--import", "tsx", "-C", "@podlink/source", "--import", "@podlink/testkit/failpoints", program];

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.end());

it("fault row 54: a pod that dies between the answer to a removal and what follows leaves a goodbye that ends, and its user is linked again", async () => {
  const graceMs = 500;
  const child = spawn(process.execPath, [...words, String(graceMs)], {
    cwd: app,
    env: { ...process.env, REDIS_URL: redis.url, PODLINK_FAILPOINTS: "after-remove=exit" },
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const messages: unknown[] = [];
  child.on("message", (message) => messages.push(message));
  const said = text(child.stderr as Readable);
  const gone = once(child, "exit");
  await Promise.race([once(child, "message"), gone]);
  expect(messages).toEqual([{ taken: true }]);

  const shared = { redis: redis.url, namespace: "test", routes: routesWith(times), logger: silentLogger };
  await using other = await joinAsPod({ ...shared, service: "room", podIndex: 1, server: serverWith(times) });
  other.ready();
  await using podlink = await connect({ ...shared, client: clientWith(times) });
  const links = podlink.client;
  const name = { service: "room", uid: "ann" };
  const held = await links.getLinkedPodNotCache(name);
  expect(held).toMatchObject({ podIndex: 0, kind: "owned" });
  child.send("remove");
  expect(await gone).toEqual([null, "SIGKILL"]);
  expect(await said).toContain("podlink failpoint after-remove: exit\n");
  expect(messages).toHaveLength(1); // nobody heard of the removal
  const goodbye = await links.getLinkedPodNotCache(name);
  if (goodbye !== undefined) expect(goodbye).toMatchObject({ kind: "goodbye", token: held?.token });
  await expect.poll(() => links.getLinkedPodNotCache(name), { timeout: 20_000 }).toBeUndefined();
  // Its pod counts as alive for a lease; by then the user is another's.
  const linked = async (): Promise<boolean> => {
    const link = await links.computeLinkedPod(name).catch(() => undefined);
    const answer = link?.podIndex === 1 ? await other.driver.guard(name.uid, { token: link.token }) : undefined;
    return answer?.ok === true;
  };
  await expect.poll(linked, { timeout: 20_000 }).toBe(true);
}, 60_000);
