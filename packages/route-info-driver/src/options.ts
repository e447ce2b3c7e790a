import type { BalancerName } from "@podlink/load-balancer";
import { balancerByName } from "@podlink/load-balancer";
import type { StateCacheOptions, StateCacheSettings, WholeNumber } from "@podlink/state-cache";
import { linkCacheEntries, stateCacheEntries } from "@podlink/state-cache";
import * as v from "valibot";

/** Where new links are put. */
export interface PlacementOptions {
  /** Default false: while no pod is routable, the least loaded available one is chosen. True: none is. */
  readonly strict?: boolean | undefined;
}

/** How a caller learns of pods and chooses among them. */
export interface RouteInfoOptions extends Omit<StateCacheOptions, "enabled" | "push"> {
  /** How long links may be cached, in seconds; what `getLinkInfoCacheTimeSecs` answers. Default 300. */
  readonly linkInfoCacheTimeSecs?: number | undefined;
  /** Whether pod states are kept near. Default true. False: every question reads the store, shared by those that ask at once. */
  readonly stateCache?: boolean | undefined;
  /** Whether to subscribe to published changes. Default true. False: a change is seen at the next periodic reading. */
  readonly eventNotification?: boolean | undefined;
  readonly placement?: PlacementOptions | undefined;
  /** The strategy that chooses the pod of a new link. Default "power-of-two". */
  readonly balancer?: BalancerName | undefined;
}

/** {@link RouteInfoOptions} with every default filled in. */
export interface RouteInfoSettings extends Omit<StateCacheSettings, "enabled" | "push"> {
  readonly linkInfoCacheTimeSecs: number;
  readonly stateCache: boolean;
  readonly eventNotification: boolean;
  readonly placement: { readonly strict: boolean };
  readonly balancer: BalancerName;
}

type Flag = v.OptionalSchema<v.GenericSchema<boolean>, boolean>;
const flag = (fallback: boolean): Flag => v.optional(v.boolean("true or false"), fallback);
const placement: v.GenericSchema<PlacementOptions, { strict: boolean }> = v.strictObject({ strict: flag(false) });
const names = Object.keys(balancerByName) as BalancerName[];
const balancer: v.GenericSchema<BalancerName> = v.picklist(names, `one of ${names.join(", ")}`);

/** The entries of the schema, for packages that take these options among their own. */
export const routeInfoEntries: typeof stateCacheEntries & {
  readonly linkInfoCacheTimeSecs: WholeNumber;
  readonly stateCache: Flag;
  readonly eventNotification: Flag;
  readonly placement: v.OptionalSchema<typeof placement, () => PlacementOptions>;
  readonly balancer: v.OptionalSchema<typeof balancer, BalancerName>;
} = {
  ...stateCacheEntries,
  linkInfoCacheTimeSecs: linkCacheEntries.linkInfoCacheTimeSecs,
  stateCache: flag(true),
  eventNotification: flag(true),
  placement: v.optional(placement, () => ({})),
  balancer: v.optional(balancer, "power-of-two"),
};

export const routeInfoOptions: v.GenericSchema<RouteInfoOptions, RouteInfoSettings> = v.strictObject(routeInfoEntries);

/** The part of the settings that the state cache takes, by its own names. */
export function stateCacheOptionsOf(settings: RouteInfoSettings): StateCacheSettings {
  const { stateRefreshMs, silenceMs, staleWhileDownMs, overloadScore, slowStartMs, commandTimeoutMs } = settings;
  const times = { stateRefreshMs, silenceMs, staleWhileDownMs, slowStartMs, commandTimeoutMs };
  return { ...times, overloadScore, enabled: settings.stateCache, push: settings.eventNotification };
}
