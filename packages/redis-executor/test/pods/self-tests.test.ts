import { scripts } from "@podlink/lua";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, describe, expect, test } from "vitest";
import { podSelfTests } from "../../src/pods/self-tests.ts";
import { heartbeat, podReport, registration } from "./pod-report.ts";
import { connectTo, podsStore } from "./pods-store.ts";

/** What 4-redis-and-grpc grants, for the prefix `pl` and the namespace `prod`. */
const GRANTED = [
  "~pl:{prod/*",
  "~pl:{prod}:*",
  "&pl:{prod/*",
  "-@all",
  ..."eval evalsha hget hmget hgetall hset hsetnx hdel hlen hvals hincrby hexists set get mget del zadd zrem zcard zcount".split(
    " ",
  ),
  ..."zrangebyscore time type incr pexpire pexpireat persist pttl publish subscribe unsubscribe ping info".split(" "),
  "client|setname",
].map((rule) => (/^[~&-]/.test(rule) ? rule : `+${rule}`));

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

/** The commands that a script names. */
const commandsOf = (source: string): string[] =>
  [...new Set([...source.matchAll(/redis\.p?call\('([A-Z]+)'/g)].map(([, name]) => name!.toLowerCase()))].toSorted();

describe.each(podSelfTests("pl", "prod").map((one) => [one.script.name, one] as const))(
  "the self-test of %s",
  (_, one) => {
    const { script, keys, args } = one;

    test("answers ok and leaves nothing behind", async () => {
      expect(await connection.run(script, keys, args)).toEqual(["ok"]);
      expect(await redis.cli("DBSIZE")).toBe(0);
    });

    test("uses every command that the script needs", async () => {
      await connection.run(script, keys, args);
      await redis.cli("CONFIG", "RESETSTAT");
      await connection.run(script, keys, args);
      const ran = Object.keys(await redis.info("commandstats")).map((name) => name.replace("cmdstat_", ""));
      expect(commandsOf(script.source)).not.toEqual([]);
      expect(ran).toEqual(expect.arrayContaining(commandsOf(script.source)));
    });

    test("names a command that is not allowed, and touches nothing", async () => {
      await connection.run(script, keys, args);
      for (const command of commandsOf(script.source)) {
        await redis.acl("app", "reset", "on", ">secret", ...GRANTED, `-${command}`);
        const limited = connectTo(redis, { username: "app", password: "secret" });
        const reply = (await limited.run(script, keys, args)) as string[];
        expect(reply.slice(0, 2)).toEqual(["refused", command.toUpperCase()]);
        await limited.close();
        expect(await redis.cli("DBSIZE"), command).toBe(0);
      }
    });
  },
);

test("all that pods do works under the permissions that we document; nothing is refused", async () => {
  await redis.acl("app", "reset", "on", ">secret", ...GRANTED);
  await redis.cli("ACL", "LOG", "RESET");
  const limited = connectTo(redis, { username: "app", password: "secret" });
  const store = podsStore({ connection: limited, prefix: "pl" });
  const watched = store.watchPods("prod", "room", () => undefined);
  const result = await store.register(registration());
  const incarnation = result.registered ? result.incarnation : 0;
  await store.report(heartbeat(incarnation, { reportNumber: 100, report: podReport({ loadScore: 99 }) }));
  await store.readPods("prod", "room", { known: { generation: "generation", sequence: 1 } });
  await store.leave({ namespace: "prod", service: "room", podIndex: 0, incarnation });
  await store.setServiceTag("prod", "t", "room");
  expect(await store.serviceByTag("prod", "t")).toBe("room");
  await store.setWorkloadState("prod", "room", "Ready", 1000);
  expect(await store.workloadStates("prod", ["room"])).toEqual(new Map([["room", "Ready"]]));
  watched.close();
  await limited.close();
  expect(await redis.aclLog()).toEqual([]);
});

test("every script of pods has a self-test", () => {
  const tested = podSelfTests("pl", "prod").map(({ script }) => script.name);
  const ofLinks = ["linkOps", "createLinks", "linkOpsFreeing"];
  expect(Object.keys(scripts).filter((name) => !ofLinks.includes(name) && !tested.includes(name))).toEqual([]);
});
