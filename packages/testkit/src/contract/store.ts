import { catalogueContract } from "./catalogue/index.ts";
import type { MakeStore } from "./harness.ts";
import { linkStoreContract } from "./links/index.ts";
import { podDirectoryContract, podRegistryContract } from "./pods/index.ts";
import { storeStatusContract } from "./status/index.ts";

/** All suites of a store that pods can register in. */
export function storeContract(name: string, makeStore: MakeStore): void {
  linkStoreContract(name, makeStore);
  podDirectoryContract(name, makeStore);
  podRegistryContract(name, makeStore);
  catalogueContract(name, makeStore);
  storeStatusContract(name, makeStore);
}
