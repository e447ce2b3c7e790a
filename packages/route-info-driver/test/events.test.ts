import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { makeWorld } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

describe("fault 13: routing state events", () => {
  it("of one service reach its listeners, who need to start nothing", async () => {
    const driver = world.driver();
    const heard: string[] = [];
    const subscription = driver.registerRoutingStateChangedEvent("room", (change) => {
      heard.push(`${change.namespace}/${change.service}/${change.podIndex} ${change.previous === undefined}`);
    });
    await world.clock.advance(0);
    await world.pod(0);
    await world.pod(0, {}, "chat");
    await world.pod(0, { routingState: "DenyNewCall" });
    expect(heard).toEqual(["prod/room/0 true", "prod/room/0 false"]);
    subscription.close();
    await world.pod(1);
    expect(heard).toHaveLength(2);
  });

  it("of every service reach those who listen to all, also of services asked for later", async () => {
    const driver = world.driver();
    const heard: string[] = [];
    const subscription = driver.onRoutingStateChanged(({ service, podIndex }) => heard.push(`${service}/${podIndex}`));
    driver.onRoutingStateChanged(() => {
      throw new Error("no");
    });
    await driver.service("room").init();
    await world.pod(0);
    await driver.service("chat").init();
    await world.pod(5, {}, "chat");
    expect(heard).toEqual(["room/0", "chat/5"]);
    subscription.close();
    await world.pod(1);
    expect(heard).toHaveLength(2);
  });

  it("come when the store is back, although it was down when the listener came", async () => {
    await world.pod(0);
    world.line.cut();
    const driver = world.driver();
    const heard: number[] = [];
    driver.registerRoutingStateChangedEvent("room", ({ podIndex }) => heard.push(podIndex));
    await world.clock.advance(5000);
    world.line.heal();
    await world.clock.advance(2000);
    expect(heard).toEqual([0]);
  });

  it("fault 23: without event notification nothing is subscribed to, and they come with the next reading", async () => {
    const driver = world.driver({ eventNotification: false });
    const heard: number[] = [];
    driver.registerRoutingStateChangedEvent("room", ({ podIndex }) => heard.push(podIndex));
    await world.clock.advance(10);
    await world.pod(0);
    expect(heard).toEqual([]);
    await world.clock.advance(2000);
    expect(heard).toEqual([0]);
    expect(driver.read()["pushes"]).toBe(0);
  });
});
