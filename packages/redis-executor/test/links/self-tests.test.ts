import { scripts } from "@podlink/lua";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { linkSelfTests } from "../../src/links/self-tests.ts";
import { linksOnRedis, PREFIX } from "./links-on-redis.ts";

/** The Redis commands that a script names. */
const commandsOf = (source: string): string[] =>
  [...new Set(Array.from(source.matchAll(/(?:[cC]all\(|\{ )'([A-Z]+)'/g), ([, name = ""]) => name))].toSorted();

/** Those among the commands of the self-test. */
const testedBy = (source: string): string[] => commandsOf(source.slice(0, source.indexOf("local brokenValues")));

test.each(["linkOps", "createLinks", "linkOpsFreeing"] as const)(
  "the self-test of %s uses every command that the script uses",
  (name) => {
    const { source } = scripts[name];
    expect(testedBy(source).length).toBeGreaterThan(5);
    expect(testedBy(source)).toEqual(commandsOf(source));
  },
);

test("the self-tests pass under the ACL that the docs give, and leave nothing behind", async () => {
  await using on = await linksOnRedis();
  await on.server.acl(
    "app",
    ..."on >secret ~pl:{prod/* ~pl:{prod}:* &pl:{prod/* -@all +eval +evalsha +hget +hmget +hgetall +hset +hsetnx".split(
      " ",
    ),
    ..."+hdel +hlen +hvals +hexists +time +type +pexpire +pexpireat +publish +subscribe +ping +info +client|setname".split(
      " ",
    ),
  );
  const app = new Redis(on.server.url, {
    username: "app",
    password: "secret",
    lazyConnect: true,
    disableClientInfo: true,
  });
  const run = ({ script, keys, args }: ReturnType<typeof linkSelfTests>[number]) =>
    app.eval(script.source, keys.length, ...keys, ...args);
  for (const selfTest of linkSelfTests(PREFIX, "prod")) {
    expect(await run(selfTest)).toEqual(["ok"]);
    for (const command of testedBy(selfTest.script.source)) {
      await on.server.acl("app", `-${command.toLowerCase()}`);
      expect(await run(selfTest), command).toEqual([
        "refused",
        command,
        expect.stringContaining("can't run") as string,
      ]);
      expect(await on.redis.dbsize(), command).toBe(0);
      await on.server.acl("app", `+${command.toLowerCase()}`);
    }
  }
  await on.server.acl("app", "resetchannels");
  const [linkOps] = linkSelfTests(PREFIX, "prod");
  expect(await run(linkOps as never)).toMatchObject([
    "refused",
    "PUBLISH",
    expect.stringContaining("channel") as string,
  ]);
  app.disconnect();
  expect(await on.redis.dbsize()).toBe(0);
});

test("a permission that is taken away later is named to the caller, and changes nothing", async () => {
  await using on = await linksOnRedis();
  await on.server.acl("default", "-hsetnx");
  const key = { namespace: "prod", service: "room", uid: "alice" };
  const claim = on.links.execute({ kind: "setIfAbsent", ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 1000 } });
  await expect(claim).rejects.toMatchObject({ code: "PERMISSION_DENIED", outcome: "not-applied" });
});
