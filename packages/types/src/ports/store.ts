import type { Catalogue } from "./catalogue.ts";
import type { LinkStore } from "./link-store.ts";
import type { PodDirectory } from "./pod-directory.ts";
import type { PodRegistry } from "./pod-registry.ts";
import type { StoreStatus } from "./store-status.ts";

/** The shared truth: all ports of a store that pods can register in. */
export interface Store extends LinkStore, PodDirectory, PodRegistry, Catalogue, StoreStatus {}

/** What another namespace's store offers: no pod registers there from outside. */
export interface RemoteStore extends LinkStore, PodDirectory, Catalogue, StoreStatus {}
