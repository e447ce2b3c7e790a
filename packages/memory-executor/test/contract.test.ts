import { fakeClock } from "@podlink/testkit";
import type { StoreHarness } from "@podlink/testkit/contract";
import {
  linkModelContract,
  linkStoreProperties,
  podRegistryProperties,
  storeContract,
} from "@podlink/testkit/contract";
import { applyLinkOp, MemoryExecutor } from "../src/index.ts";

async function makeStore(): Promise<StoreHarness> {
  const clock = fakeClock();
  const store = new MemoryExecutor({ clock });
  return { store, advance: (ms) => clock.advance(ms), flushAll: async () => store.flushAll() };
}

storeContract("memory", makeStore);
linkStoreProperties("memory", makeStore);
linkModelContract("memory", makeStore, { model: applyLinkOp });
podRegistryProperties("memory", makeStore);
