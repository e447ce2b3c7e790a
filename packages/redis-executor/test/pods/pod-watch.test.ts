import { fakeClock, recordingLogger } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import type { PodEvent, PodReading, StoreEvent, Subscription } from "@podlink/types";
import { Listeners } from "@podlink/types";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { Connection } from "../../src/connection/ports.ts";
import { podChannel } from "../../src/pods/service-keys.ts";
import { heartbeat, podReport, registration } from "./pod-report.ts";
import type { PodsStore } from "./pods-store.ts";
import { connectTo, podsStore } from "./pods-store.ts";

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

async function watch(store: PodsStore): Promise<{ events: PodEvent[]; subscription: Subscription }> {
  const events: PodEvent[] = [];
  const subscription = store.watchPods("prod", "room", (event) => void events.push(event));
  await (subscription as Subscription & { effective: Promise<void> }).effective;
  events.length = 0; // a subscription that took long begins with a gap
  return { events, subscription };
}

const heard = (events: readonly PodEvent[], count: number): Promise<void> =>
  vi.waitFor(() => expect(events.length).toBeGreaterThanOrEqual(count), { timeout: 20_000, interval: 2 });

const kinds = (events: readonly PodEvent[]): unknown[] =>
  events.map((event) => (event.kind === "pod" ? event.sequence : event.kind));

async function register(store: PodsStore, podIndex: number): Promise<number> {
  const result = await store.register(registration({ podIndex }));
  return result.registered ? result.incarnation : 0;
}

describe("watching pods", () => {
  test("a subscriber connection that is killed comes back by itself, and tells the gap", async () => {
    const store = podsStore({ connection });
    const { events } = await watch(store);
    await register(store, 0);
    await heard(events, 1);
    await redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
    await heard(events, 2);
    expect(kinds(events)).toEqual([1, "gap"]); // the subscription holds again
    await register(store, 1);
    await heard(events, 3);
    expect(kinds(events)).toEqual([1, "gap", 2]);
  });

  test("a message that got lost on the way is a gap, when the next one arrives", async () => {
    const store = podsStore({ connection });
    const { events } = await watch(store);
    await register(store, 0);
    await redis.acl("mute", "on", ">secret", "~*", "+@all", "resetchannels");
    const mute = connectTo(redis, { username: "mute", password: "secret" });
    await register(podsStore({ connection: mute, prefix: store.prefix }), 1);
    await mute.close();
    await register(store, 2);
    await heard(events, 3);
    expect(kinds(events)).toEqual([1, "gap", 3]);
  });

  test("loads that take a number are no gap", async () => {
    const store = podsStore({ connection });
    const { events } = await watch(store);
    const incarnation = await register(store, 0);
    await store.report(heartbeat(incarnation, { report: podReport({ loadScore: 40 }) }));
    await store.report(heartbeat(incarnation, { reportNumber: 2, report: podReport({ loadScore: 80 }) }));
    await register(store, 1);
    await heard(events, 2);
    expect(kinds(events)).toEqual([1, 4]);
  });

  test("messages that can't be read are gaps, counted and logged", async () => {
    const logger = recordingLogger();
    const store = podsStore({ connection, logger });
    const { events } = await watch(store);
    const channel = podChannel(store.prefix, { namespace: "prod", service: "room" });
    for (const message of ["", "hello", "0|1|2|of a later format", "0|99999|1|broken"]) {
      await redis.cli("PUBLISH", channel, message);
    }
    await heard(events, 4);
    expect(kinds(events)).toEqual(["gap", "gap", "gap", "gap"]);
    expect(store.directory.read()).toMatchObject({ podRowsNewer: 1, podRowsBroken: 1 });
    await register(store, 0);
    await heard(events, 5);
    expect(kinds(events).at(-1)).toBe(1);
  });

  test("another epoch of the store is a gap, and readings are complete for a while, whatever is known", async () => {
    const clock = fakeClock();
    const epochs = new Listeners<StoreEvent>();
    const store = podsStore({ connection: withEpochs(connection, epochs), clock });
    const { events, subscription } = await watch(store);
    const reading = async (): Promise<PodReading> => {
      const asked = store.readPods("prod", "room", { known: { generation: "generation", sequence: 1 } });
      await clock.advance(0);
      return asked;
    };
    await register(store, 0);
    expect(await reading()).toMatchObject({ complete: false, rows: [] });
    epochs.emit({ kind: "epoch", epoch: 2 });
    expect(kinds(events).at(-1)).toBe("gap");
    expect(await reading()).toMatchObject({ complete: true, rows: [{ podIndex: 0 }] });
    await clock.advance(30_000);
    expect(await reading()).toMatchObject({ complete: false, rows: [] });
    subscription.close();
    const before = events.length;
    epochs.emit({ kind: "epoch", epoch: 3 });
    expect(events).toHaveLength(before);
  });
});

function withEpochs(inner: Connection, epochs: Listeners<StoreEvent>): Connection {
  return new Proxy(inner, {
    get(target, name) {
      if (name === "watch") return (listener: (event: StoreEvent) => void) => epochs.add(listener);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
