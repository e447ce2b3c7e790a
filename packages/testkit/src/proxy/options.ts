import type { Clock } from "@podlink/types";
import { systemClock } from "@podlink/types";
import type { OptionRule } from "./check-fault.ts";
import { checkOptions, text, wholeNumber } from "./check-fault.ts";
import type { Target } from "./target.ts";

export interface FaultProxyOptions {
  /** The server. A unix socket has no RST: there a reset is a close. */
  readonly target: Target;
  /** What chance is made of, a whole number from 0. Default: another one each time; `seed` of the proxy tells it. */
  readonly seed?: number;
  /** The address that the proxy listens on. Default 127.0.0.1. */
  readonly host?: string;
  /**
   * How much is held of each direction of a connection, in bytes, before its sender has to wait; beside it the kernel holds some
   * megabytes. At least 1, default 262,144. A delay lets no more than this through in its time, as TCP's window does.
   */
  readonly maxBufferedBytes?: number;
  /** How many events the record keeps: the latest. At least 1, default 10,000. */
  readonly recordLimit?: number;
  /** What delays, throttles and waits are measured by. Default: the real one. */
  readonly clock?: Clock;
}

export type FaultProxySettings = Required<FaultProxyOptions>;

const anObject: OptionRule = {
  rule: "must be an object",
  holds: (value) => typeof value === "object" && value !== null,
};
const OPTIONS = {
  target: { ...anObject, isRequired: true },
  seed: wholeNumber(0),
  host: text,
  maxBufferedBytes: wholeNumber(1),
  recordLimit: wholeNumber(1),
  clock: anObject,
} as const;
const BY_PATH = { path: { ...text, isRequired: true } } as const;
const BY_PORT = {
  host: { ...text, isRequired: true },
  port: {
    rule: "must be a port, 1 to 65535",
    holds: (value: unknown) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535,
    isRequired: true,
  },
} as const;

/** @throws RouteError CONFIG naming what breaks which rule */
export function parseProxyOptions(options: FaultProxyOptions): FaultProxySettings {
  checkOptions(options, OPTIONS, "faultProxy");
  return {
    target: parseTarget(options.target),
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
    host: options.host ?? "127.0.0.1",
    maxBufferedBytes: options.maxBufferedBytes ?? 262_144,
    recordLimit: options.recordLimit ?? 10_000,
    clock: options.clock ?? systemClock,
  };
}

/** Whoever has both a port and a path, as a started Redis does, is reached by its port. */
function parseTarget(target: Target): Target {
  const { host, port, path } = target as Partial<Record<"host" | "port" | "path", unknown>>;
  const byPort = port !== undefined || host !== undefined;
  checkOptions(byPort ? { host, port } : { path }, byPort ? BY_PORT : BY_PATH, "faultProxy.target");
  return (byPort ? { host, port } : { path }) as Target;
}
