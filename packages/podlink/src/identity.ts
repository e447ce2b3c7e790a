import { hostname } from "node:os";
import { readFileSync } from "node:fs";
import { RouteError } from "@podlink/types";

/** What the environment says of this process. Every part may be missing. */
export interface EnvironmentIdentity {
  readonly namespace?: string;
  readonly service?: string;
  readonly podIndex?: number;
  readonly host?: string;
}

/** Where Kubernetes mounts the namespace of a pod that has a service account. */
const NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/**
 * The identity that Kubernetes gives a StatefulSet's pod:
 * - `namespace`: `POD_NAMESPACE` (downward API), else the mounted service account's;
 * - `service` and `podIndex`: `POD_NAME`, else the host name, split at its last `-` ("room-2" is pod 2 of room);
 * - `host`: `POD_IP` (downward API), else the host name.
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity
 */
export function identityFromEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  mountedNamespace: () => string | undefined = readMountedNamespace,
): EnvironmentIdentity {
  const name = environment["POD_NAME"] ?? hostname();
  const ordinal = /^(.+)-(0|[1-9][0-9]{0,4})$/.exec(name);
  const namespace = environment["POD_NAMESPACE"] ?? mountedNamespace();
  return {
    ...(namespace === undefined ? undefined : { namespace }),
    ...(ordinal === null ? undefined : { service: ordinal[1] as string, podIndex: Number(ordinal[2]) }),
    host: environment["POD_IP"] ?? hostname(),
  };
}

/** The value that was given, or the one from the environment. @throws RouteError CONFIG saying where it could come from. */
export function need<T>(value: T | undefined, field: string, source: string): T {
  if (value !== undefined) return value;
  throw new RouteError("CONFIG", `${field}: not given, and the environment has none (${source})`);
}

function readMountedNamespace(): string | undefined {
  try {
    return readFileSync(NAMESPACE_FILE, "utf8").trim() || undefined;
  } catch {
    return undefined; // not in Kubernetes, or no service account mounted
  }
}
