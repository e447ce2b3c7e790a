import type { IncomingMessage } from "node:http";
import { afterEach, expect, test } from "vitest";
import { callPod } from "@podlink/http";
import { linkTo } from "./support/table-route.ts";
import type { World } from "./support/world.ts";
import { world } from "./support/world.ts";

let there: World;
afterEach(() => there.close());

const call = (uid = "alice", path = `/u/${uid}/state`): Promise<Response> =>
  callPod(there.route, uid, (pod) => fetch(pod.url(path), { headers: pod.headers }));

test("calls the pod that the link names, with what its guard asks for", async () => {
  there = await world({ handler: () => (req, res) => res.end(JSON.stringify(req.headers)) });
  expect(await (await call()).json()).toMatchObject({
    "podlink-uid": "alice",
    "podlink-route": "pod=test/room/0.1; hops=1; token=100",
  });
});

test("calls once more when the answer is 421, and remembers the link", async () => {
  there = await world();
  there.pods[0]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 1, "150") });
  expect(await (await call()).text()).toBe("1");
  expect(there.route.refusals).toEqual([{ podIndex: 0, link: linkTo("alice", 1, "150") }]);
});

test("says POD_UNAVAILABLE when both refuse, and doesn't call a third time", async () => {
  there = await world();
  for (const { pod } of there.pods) pod.refuse("alice", { reason: "not-me" });
  await expect(call()).rejects.toMatchObject({ code: "POD_UNAVAILABLE", retryable: true, outcome: "not-applied" });
  expect(there.route.refusals).toHaveLength(1);
});

test("doesn't call a pod whose address is link-local, however it is written", async () => {
  there = await world();
  there.route.addresses.set(0, { host: "0251.0376.0251.0376", httpPort: 80 });
  await expect(call()).rejects.toMatchObject({ code: "POD_UNAVAILABLE", outcome: "not-applied" });
});

test("hands on any other status, and what the call throws", async () => {
  there = await world({ handler: () => (_req, res) => res.writeHead(503).end() });
  expect((await call()).status).toBe(503);
  await expect(callPod(there.route, "alice", () => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
});

test("refuses a bad uid, and calls in circles", async () => {
  there = await world();
  await expect(call("\n", "/")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  const onBehalfOf = {
    headers: { "podlink-route": "pod=test/room/0.1; hops=5; token=100" },
  } as unknown as IncomingMessage;
  const circle = callPod(there.route, "alice", () => fetch("http://127.0.0.1:1"), { onBehalfOf });
  await expect(circle).rejects.toMatchObject({ code: "CONFIG" });
});

test.each(["/x", "x", "//evil.example/x", "@evil.example/x", ":1/x"])(
  "the path %j stays with the pod",
  async (path) => {
    there = await world();
    await callPod(there.route, "alice", async (pod) => {
      expect(new URL(pod.url(path)).host).toBe(`127.0.0.1:${there.pods[0]?.port}`);
      return Promise.resolve({ status: 200, headers: new Headers() });
    });
  },
);
