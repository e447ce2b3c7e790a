import { RouteError } from "@podlink/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { makeWorld } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

const failsWith =
  (code: string) =>
  (error: unknown): boolean =>
    RouteError.is(error) && error.code === code;

describe("questions about pods", () => {
  it("fault 1: a service whose only pod is 0 is answered for", async () => {
    await world.pod(0, { loadScore: 12 });
    const driver = world.driver();
    expect(await driver.alivePods("room")).toEqual([0]);
    expect(await driver.routablePods("room")).toEqual([0]);
    expect(await driver.isPodAvailable("room", 0)).toBe(true);
    expect(await driver.isPodRoutable("room", 0)).toBe(true);
    expect(await driver.getPodLoadScore("room", 0)).toBe(12);
    expect((await driver.getServiceBestPod("room")).row.podIndex).toBe(0);
  });

  it("tell the states apart", async () => {
    await world.pod(0);
    await world.pod(1, { routingState: "DenyNewCall" });
    await world.pod(2, { serviceState: "NotReady" });
    await world.pod(3, { serviceState: "Failed" });
    await world.pod(4);
    await world.leave(4);
    const driver = world.driver();
    const indexes = (pods: readonly { row: { podIndex: number } }[]): number[] => pods.map((pod) => pod.row.podIndex);
    expect(indexes(await driver.getAllServiceState("room"))).toEqual([0, 1, 2, 3, 4]);
    expect(indexes(await driver.getReadyServiceState("room"))).toEqual([0, 1]);
    expect(await driver.alivePods("room")).toEqual([0, 1, 2]);
    expect(await driver.routablePods("room")).toEqual([0]);
    expect(await driver.isPodAvailable("room", 1)).toBe(true);
    expect(await driver.isPodRoutable("room", 1)).toBe(false);
    expect((await driver.getServiceState("room", 4))?.goodbye).toBe(true);
    expect((await driver.getServiceState("room", 2))?.row.serviceState).toBe("NotReady");
  });

  it("fault 16: a pod that is not there has no score, and is no and nothing", async () => {
    await world.pod(0);
    const driver = world.driver();
    expect(await driver.isPodAvailable("room", 9)).toBe(false);
    expect(await driver.isPodRoutable("room", 9)).toBe(false);
    expect(await driver.getPodLoadScore("room", 9)).toBeUndefined();
    expect(await driver.getServiceState("room", 9)).toBeUndefined();
  });

  it("fault 17: a cold cache reads once for all who ask; a warm one not at all", async () => {
    await world.pod(0);
    const driver = world.driver();
    await Promise.all(Array.from({ length: 50 }, () => driver.alivePods("room")));
    expect(world.line.calls.readPods).toBe(1);
    await driver.getServiceBestPod("room");
    await driver.getAllServiceState("room");
    expect(world.line.totalCalls).toBe(1);
  });

  it("fault 23: without the state cache every question reads", async () => {
    await world.pod(0);
    const driver = world.driver({ stateCache: false });
    await driver.alivePods("room");
    await driver.alivePods("room");
    expect(world.line.calls.readPods).toBe(2);
    await Promise.all([driver.alivePods("room"), driver.isPodRoutable("room", 0), driver.getServiceBestPod("room")]);
    expect(world.line.calls.readPods).toBe(3);
    await world.pod(1);
    expect(await driver.alivePods("room")).toEqual([0, 1]);
  });

  it.each([
    ["namespace", () => world.driver({}, { namespace: "Prod" })],
    ["service", () => world.driver().service("a/b")],
    ["service", () => world.driver().alivePods("")],
    ["podIndex", () => world.driver().isPodRoutable("room", -1)],
    ["podIndex", () => world.driver().getPodLoadScore("room", 1.5)],
    ["tag", () => world.driver().getServiceNameByTag("")],
    ["tag", () => world.driver().setGlobalServiceNameTag("..", "room")],
    ["service", () => world.driver().setGlobalServiceNameTag("t", "No")],
    ["service", () => world.driver().isWorkloadReady("?")],
    ["service", () => world.driver().registerRoutingStateChangedEvent("?", () => undefined)],
  ])("bad input is refused: %s", async (field, ask) => {
    const asked = (async () => ask())();
    await expect(asked).rejects.toSatisfy(failsWith("INVALID_ARGUMENT"));
    await expect(asked).rejects.toThrow(field);
    expect(world.line.totalCalls).toBe(0);
  });

  it("a store that is down is said so, in time", async () => {
    world.line.hang();
    const asked = expect(world.driver().alivePods("room", { timeoutMs: 100 })).rejects.toSatisfy(failsWith("TIMEOUT"));
    await world.clock.advance(110);
    await asked;
  });
});

describe("tags", () => {
  it("fault 14: a tag names a service, over concurrent writers", async () => {
    const one = world.driver();
    const other = world.driver();
    await Promise.all([
      one.setGlobalServiceNameTag("chat", "room"),
      other.setGlobalServiceNameTag("play", "game"),
      one.setGlobalServiceNameTag("talk", "room"),
    ]);
    expect(await other.getServiceNameByTag("chat")).toBe("room");
    expect(await one.getServiceNameByTag("play")).toBe("game");
    expect(await one.getServiceNameByTag("talk")).toBe("room");
    await other.setGlobalServiceNameTag("chat", "lobby");
    expect(await one.getServiceNameByTag("chat")).toBe("lobby");
  });

  it("a tag that is none is TAG_NOT_FOUND", async () => {
    await expect(world.driver().getServiceNameByTag("nope")).rejects.toSatisfy(failsWith("TAG_NOT_FOUND"));
  });

  it("those who ask for a tag together share one call", async () => {
    const driver = world.driver();
    await driver.setGlobalServiceNameTag("chat", "room");
    await Promise.all(Array.from({ length: 20 }, () => driver.getServiceNameByTag("chat")));
    expect(world.line.calls.serviceByTag).toBe(1);
  });

  it("a question that the store never answered is asked again, not waited for", async () => {
    const driver = world.driver();
    await driver.setGlobalServiceNameTag("chat", "room");
    world.line.hang();
    const asked = [driver.getServiceNameByTag("chat"), driver.isWorkloadReady("room")].map((answer) =>
      expect(answer).rejects.toSatisfy(failsWith("TIMEOUT")),
    );
    await world.clock.advance(1100);
    await Promise.all(asked);
    world.line.heal();
    expect(await driver.getServiceNameByTag("chat")).toBe("room");
    expect(await driver.isWorkloadReady("room")).toBe(false);
  });

  it("a write that was not answered may have been done", async () => {
    world.line.hang();
    const asked = expect(world.driver().setGlobalServiceNameTag("chat", "room")).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "unknown",
    });
    await world.clock.advance(1100);
    await asked;
  });
});

describe("the workload", () => {
  it("fault 12: is ready when the pods say so", async () => {
    const driver = world.driver();
    expect(await driver.isWorkloadReady("room")).toBe(false);
    await world.memory.setWorkloadState("prod", "room", "Pending", 10_000);
    expect(await driver.isWorkloadReady("room")).toBe(false);
    await world.memory.setWorkloadState("prod", "room", "Ready", 10_000);
    expect(await driver.isWorkloadReady("room")).toBe(true);
    await world.clock.advance(10_001);
    expect(await driver.isWorkloadReady("room")).toBe(false);
  });
});

describe("lifecycle", () => {
  it("init starts the services that were asked for", async () => {
    await world.pod(0);
    const driver = world.driver();
    const { cache } = driver.service("room");
    expect(world.line.totalCalls).toBe(0);
    await driver.init();
    await driver.init();
    expect(cache.warm).toBe(true);
    expect(world.line.calls.readPods).toBe(1);
    expect(driver.service("room").cache).toBe(cache);
    expect(driver.service("room").panic()).toBe(false);
  });

  it("fault 11: close ends every timer; questions after it are CLOSED", async () => {
    await world.pod(0);
    const driver = world.driver();
    await driver.alivePods("room");
    await driver.close();
    await driver[Symbol.asyncDispose]();
    expect(world.clock.pendingTimers).toBe(0);
    for (const ask of [
      () => driver.alivePods("room"),
      () => driver.alivePods("other"),
      () => driver.getServiceNameByTag("chat"),
      () => driver.isWorkloadReady("room"),
    ]) {
      await expect(ask()).rejects.toSatisfy(failsWith("CLOSED"));
    }
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("figures are summed over the services", async () => {
    await world.pod(0);
    await world.pod(0, {}, "chat");
    const driver = world.driver();
    await driver.getServiceBestPod("room");
    await driver.getServiceBestPod("chat");
    expect(driver.read()).toMatchObject({ services: 2, readings: 2, pods: 2, routable: 2, placements: 2 });
    expect(driver.service("room").read()).toMatchObject({ pods: 1, placements: 1 });
  });
});

describe("names that no service has", () => {
  it("are forgotten; one that somebody kept works on, and ends with the driver", async () => {
    const driver = world.driver();
    const kept = driver.service("soon");
    for (let name = 0; name < 1000; name += 1) await driver.getAllServiceState(`junk-${name}`);
    expect(driver.read()["services"]).toBeLessThanOrEqual(256);
    expect(world.clock.pendingTimers).toBe(0);
    await world.pod(0, {}, "soon");
    await kept.cache.ready();
    expect(kept.best()?.row.podIndex).toBe(0);
    await driver.close();
    expect(world.clock.pendingTimers).toBe(0);
  });
});
