import type { SupervisedApp } from "@podlink/testkit";
import { expect, vi } from "vitest";
import type { SampleApps } from "../../support/sample-apps.ts";
import { listed } from "./increment.ts";

/** Until the gateways know this life of the pod as Ready, as a StatefulSet waits for it. */
export async function whenKnown(room: SupervisedApp, gateways: readonly string[]): Promise<void> {
  const known = async (gateway: string): Promise<void> => {
    const own = (await listed(gateway)).find(({ metadata }) => (metadata as { pid?: string }).pid === `${room.pid}`);
    expect(own).toMatchObject({ serviceState: "Ready", routingState: "Ready" });
  };
  await vi.waitFor(() => Promise.all(gateways.map(known)), { timeout: 15_000, interval: 20 });
}

/** From the highest index down, each known as Ready before the next one's turn. */
export async function rollingRestart(apps: SampleApps, gateways: readonly string[]): Promise<void> {
  for (const room of apps.rooms.toReversed()) {
    await room.restart();
    await whenKnown(room, gateways);
  }
}
