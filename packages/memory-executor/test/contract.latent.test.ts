import type { StoreHarness } from "@podlink/testkit/contract";
import { linkStoreProperties, podRegistryProperties, storeContract } from "@podlink/testkit/contract";
import { MemoryExecutor } from "../src/index.ts";
import { DriftingClock, latentStore } from "./latent-store.ts";

/** Shows that the suites assume neither zero latency nor a time that stands still, nor an empty store. */
const clock = new DriftingClock();

async function makeStore(): Promise<StoreHarness> {
  const executor = new MemoryExecutor({ clock });
  return {
    store: latentStore(executor),
    another: async () => latentStore(executor),
    advance: async (ms) => clock.move(ms),
    flushAll: async () => executor.flushAll(),
    capabilities: { exactTime: false },
  };
}

storeContract("memory across a network", makeStore);
linkStoreProperties("memory across a network", makeStore, { numRuns: 20 });
podRegistryProperties("memory across a network", makeStore, { numRuns: 20 });
