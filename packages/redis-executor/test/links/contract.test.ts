import type { LinkStore } from "@podlink/types";
import type { StoreHarness } from "@podlink/testkit/contract";
import { linkStoreContract } from "@podlink/testkit/contract";
import { linksOnRedis } from "./links-on-redis.ts";

const HOUR_MS = 3_600_000;

// The store's time is given, an hour ahead of Redis' own: nothing but `advance` moves it, and no key ends meanwhile.
linkStoreContract("links on a Redis with its time in our hands", async (): Promise<StoreHarness<LinkStore>> => {
  let nowMs = Date.now() + HOUR_MS;
  const { links, close } = await linksOnRedis({ nowMs: () => nowMs });
  return {
    store: links,
    advance: async (ms) => {
      nowMs += ms;
    },
    release: close,
  };
});
