import { setTimeout } from "node:timers/promises";
import { startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, increment, openConnection, script } from "../support/connections.ts";

let redis: RedisServer;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.end());

const publish = script("publish", `return redis.call("PUBLISH", ARGV[1], ARGV[2])`);

/** All that a listener hears: messages, and gaps. */
function heardOf({ connection }: ReturnType<typeof openConnection>, channel: string) {
  const heard: string[] = [];
  const subscription = connection.subscribe(
    channel,
    (message) => void heard.push(message),
    () => void heard.push("gap"),
  );
  return { heard, subscription };
}

test("whoever subscribes and then acts hears of it, in order, and of no gap", async () => {
  const opened = openConnection({ url: redis.url });
  await opened.connection.whenReady(20_000);
  const { heard } = heardOf(opened, "first");
  const messages = Array.from({ length: 200 }, (_, index) => `m${index}`);
  for (const message of messages) await opened.connection.run(publish, [], ["first", message]);
  await eventually("all heard", () => heard.length >= messages.length);
  expect(heard).toEqual(messages);
});

test("a second listener of a channel needs no command; the channel ends with its last one", async () => {
  const opened = openConnection({ url: redis.url });
  const one = heardOf(opened, "shared");
  const two = heardOf(opened, "shared");
  await two.subscription.effective;
  await opened.connection.run(publish, [], ["shared", "a"]);
  await eventually("heard", () => one.heard.length + two.heard.length === 2);
  one.subscription.close();
  one.subscription.close();
  await opened.connection.run(publish, [], ["shared", "b"]);
  await eventually("heard", () => two.heard.length === 2);
  expect(one.heard).toEqual(["a"]);
  two.subscription.close();
  await eventually("unsubscribed", async () => ((await redis.cli("PUBSUB", "NUMSUB", "shared")) as unknown[])[1] === 0);
  const three = heardOf(opened, "shared");
  await three.subscription.effective;
  await opened.connection.run(publish, [], ["shared", "c"]);
  await eventually("heard", () => three.heard.length === 1);
});

test("after its connection was killed everybody hears of a gap, once, and nothing after it is missed", async () => {
  const opened = openConnection({ url: redis.url });
  const channels = ["x", "y", "z"].map((channel) => heardOf(opened, channel));
  await Promise.all(channels.map(({ subscription }) => subscription.effective));
  await redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
  await eventually("gaps told", () => channels.every(({ heard }) => heard.includes("gap")));
  for (const channel of ["x", "y", "z"]) await opened.connection.run(publish, [], [channel, "after"]);
  await eventually("heard again", () => channels.every(({ heard }) => heard.includes("after")));
  for (const { heard } of channels) expect(heard).toEqual(["gap", "after"]);
});

test("killed again and again it comes back each time, and no promise is left unhandled", async () => {
  const opened = openConnection({ url: redis.url });
  const { heard, subscription } = heardOf(opened, "again");
  await subscription.effective;
  for (let kills = 1; kills <= 10; kills += 1) {
    await redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
    if (kills % 2 === 0) await setTimeout(kills * 10);
  }
  await eventually("back", async () => Number(await opened.connection.run(publish, [], ["again", "m"])) === 1);
  await eventually("heard", () => heard.includes("m"));
  expect(heard[0]).toBe("gap");
});

test("a listener that throws is logged and harms nobody", async () => {
  const opened = openConnection({ url: redis.url });
  opened.connection.subscribe(
    "thrown",
    () => {
      throw new Error("thrown by a listener of the test");
    },
    () => undefined,
  );
  const { heard, subscription } = heardOf(opened, "thrown");
  await subscription.effective;
  await opened.connection.run(publish, [], ["thrown", "m"]);
  await eventually("heard", () => heard.length === 1);
  expect(opened.logger.of("error")).toMatchObject([{ fields: { error: "thrown by a listener of the test" } }]);
});

test("a line that fails without a word is found out, and is a gap", async () => {
  const proxy = await startFaultProxy({ target: redis });
  const opened = openConnection({
    url: `redis://127.0.0.1:${proxy.port}`,
    commandTimeoutMs: 50,
    healthCheckIntervalMs: 100,
    connectTimeoutMs: 200,
  });
  const { heard, subscription } = heardOf(opened, "silent");
  await subscription.effective;
  proxy.add({ fault: "blackhole", afterEnd: "dead" });
  await setTimeout(500);
  proxy.heal();
  await eventually("a gap", () => heard.includes("gap"));
  await eventually("heard", async () => {
    await redis.cli("PUBLISH", "silent", "m"); // a busy machine may have it made anew once more
    return heard.includes("m");
  });
  await opened.connection.close();
  await proxy.end();
});

test("a subscription made while Redis is away is a gap when it takes effect", async () => {
  const away = await startRedis();
  await away.kill9();
  const opened = openConnection({ url: away.url });
  const { heard, subscription } = heardOf(opened, "early");
  await setTimeout(200);
  await away.restart();
  await subscription.effective;
  expect(heard).toEqual(["gap"]);
  await opened.connection.close();
  await away.end();
});

test("a refused channel is told, tried again, and heard once it is allowed", async () => {
  await redis.acl("deaf", "on", ">pw", "~*", "resetchannels", "+@all");
  const opened = openConnection({ url: redis.url, username: "deaf", password: "pw" });
  const { heard } = heardOf(opened, "secret");
  await eventually("told", () =>
    opened.logger.of("warn").some(({ message }) => message.includes("refused a subscription")),
  );
  expect(await opened.connection.run(increment, ["deaf"], [])).toBe(1);
  await redis.acl("deaf", "&secret");
  await eventually("in effect", () => heard.includes("gap"));
  await redis.cli("PUBLISH", "secret", "m");
  await eventually("heard", () => heard.includes("m"));
});
