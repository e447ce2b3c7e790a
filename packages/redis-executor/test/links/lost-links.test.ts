import type { LostLink } from "@podlink/types";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { decodeLostLink } from "../../src/links/lost-link.ts";
import { ownChannel } from "../../src/pods/own-channel.ts";
import { linksOnRedis, PREFIX } from "./links-on-redis.ts";

const name = { namespace: "prod", service: "room" };
const owner = (podIndex: number, incarnation?: number) =>
  incarnation === undefined ? { podIndex } : { podIndex, incarnation };

test("an owned link that another pod gets is told to the pod that had it, and to nobody else", async () => {
  await using on = await linksOnRedis();
  const listener = new Redis(on.server.url);
  const heard: [channel: string, lost: LostLink | undefined][] = [];
  listener.on("pmessage", (_, channel: string, message: string) =>
    heard.push([channel, decodeLostLink(message, name)]),
  );
  await listener.psubscribe("*");

  const key = { ...name, uid: "a}b/ü🙂" };
  const lifetime = { ttlMs: 60_000 };
  await on.links.execute({ kind: "setIfAbsent", ...key, owner: owner(1), lifetime });
  await on.links.execute({ kind: "set", ...key, owner: owner(2), lifetime }); // a reservation: nobody lost anything
  await on.links.execute({ kind: "setIfAbsent", ...key, owner: owner(2, 5), lifetime: "persistent" }); // taken by its pod
  await on.links.execute({ kind: "set", ...key, owner: owner(2, 6), lifetime: "persistent" }); // the same pod
  const moved = await on.links.execute({ kind: "set", ...key, owner: owner(3), lifetime });
  const claimed = await on.links.execute({ kind: "setIfAbsent", ...key, owner: owner(3, 7), lifetime: "persistent" });
  const token = ("link" in claimed && claimed.link.token) || "";
  const replaced = await on.links.execute({
    kind: "replace",
    ...key,
    owner: owner(65_535, 8),
    lifetime: "persistent",
    expectedToken: token,
  });
  await on.links.execute({ kind: "remove", ...key, graceMs: 1000 });
  await on.links.execute({ kind: "set", ...key, owner: owner(4), lifetime }); // a goodbye
  await on.redis.publish("the-end", "");
  await expect.poll(() => heard.at(-1)?.[0]).toBe("the-end");
  listener.disconnect();

  expect(heard.slice(0, -1)).toEqual([
    [ownChannel(PREFIX, "prod", "room", 2), { uid: key.uid, link: "link" in moved && moved.link }],
    [ownChannel(PREFIX, "prod", "room", 3), { uid: key.uid, link: "link" in replaced && replaced.link }],
  ]);
});

test.each([
  "",
  "x",
  "1\n2\n3",
  "1\npl:{prod/1}%zz\n1|1|5|a|b|o|c|c",
  "1\npl:x\n1|1|5|a|b|o|c|c",
  "1\npl:{prod/1}u\n2|1",
])("a message that is none of ours is nothing: %j", (message) => {
  expect(decodeLostLink(message, name)).toBeUndefined();
});

test("a take that a full Redis refuses is told to nobody", async () => {
  await using on = await linksOnRedis();
  const key = { ...name, uid: "alice" };
  await on.links.execute({ kind: "set", ...key, owner: owner(1, 5), lifetime: "persistent" });
  const listener = new Redis(on.server.url);
  const heard: string[] = [];
  listener.on("pmessage", (_, channel: string) => heard.push(channel));
  await listener.psubscribe("*");
  await on.server.config("maxmemory", 1);
  const taken = on.links.execute({ kind: "set", ...key, owner: owner(2), lifetime: "persistent" });
  await expect(taken).rejects.toMatchObject({ outcome: "not-applied" });
  await on.server.config("maxmemory", 0);
  await on.redis.publish("the-end", "");
  await expect.poll(() => heard.at(-1)).toBe("the-end");
  listener.disconnect();
  expect(heard).toEqual(["the-end"]);
});

test("a publish that is refused harms nobody", async () => {
  await using on = await linksOnRedis();
  await on.server.acl("default", "-publish");
  const key = { ...name, uid: "alice" };
  await on.links.execute({ kind: "set", ...key, owner: owner(1, 5), lifetime: "persistent" });
  const moved = await on.links.execute({ kind: "set", ...key, owner: owner(2), lifetime: "persistent" });
  expect(moved).toMatchObject({ link: { podIndex: 2 }, previous: { podIndex: 1 } });
  await on.server.acl("default", "+publish");
});
