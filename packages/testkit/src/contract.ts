/** The suites that every store passes, written with vitest. See the README: how to test a store of your own. */

export type { MakeStore, StoreCapabilities, StoreHarness } from "./contract/harness.ts";
export { storeContract } from "./contract/store.ts";
export { linkStoreContract } from "./contract/links/index.ts";
export { podDirectoryContract, podRegistryContract } from "./contract/pods/index.ts";
export { catalogueContract } from "./contract/catalogue/index.ts";
export { storeStatusContract } from "./contract/status/index.ts";
export type { PropertyOptions } from "./contract/properties/invariants.ts";
export { linkStoreProperties } from "./contract/properties/invariants.ts";
export type { LinkModel, LinkModelContext } from "./contract/properties/model.ts";
export { linkModelContract } from "./contract/properties/model.ts";
export { podRegistryProperties } from "./contract/properties/pods.ts";
