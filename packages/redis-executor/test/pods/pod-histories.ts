import type { PodAddress, PodReport, RoutingState, ServiceState } from "@podlink/types";
import * as fc from "fast-check";

/** Whose row it is does most of the work; the others get in its way. */
export const HOLDER = "holder";
const lives = fc.constantFrom(HOLDER, HOLDER, HOLDER, "life-a", "life ü|%");
/** The first one nine times out of ten. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const podIndexes = fc.constantFrom(0, 0, 7);
const reports: fc.Arbitrary<PodReport> = fc.record(
  {
    serviceState: mostly<ServiceState>("Ready", "NotReady", "Pending", "Failed"),
    routingState: mostly<RoutingState>("Ready", "DenyNewCall"),
    loadState: fc.constantFrom(0, 0.1, 1e21),
    loadScore: mostly(0, 2.5, 4.9, 5, 7.25, 94.99, 95, 100),
    linkCount: fc.constantFrom(0, 4, 5, 1000, 1019, 1020),
    leaseMs: fc.constantFrom(1000, 7000),
    address: mostly<PodAddress>({ host: "a" }, { host: "a", grpcPort: 1 }, { host: "b", httpPort: 65_535 }),
    weight: fc.constantFrom(0.001, 1, 1000),
    zone: fc.constantFrom("", "z|1\n"),
    metadata: fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ unit: "grapheme", maxLength: 5 }), { maxKeys: 2 }),
  },
  {
    requiredKeys: [
      "serviceState",
      "routingState",
      "loadState",
      "loadScore",
      "linkCount",
      "leaseMs",
      "weight",
      "metadata",
    ],
  },
);

/** One step of processes that fight for a few pod indexes, of a reader, or of the time. */
export type Step =
  | {
      readonly step: "register";
      readonly life: string;
      readonly podIndex: number;
      readonly expects: "last" | "found" | "none" | "wrong";
      readonly floor: number;
      readonly takeOver: "wait" | "now";
      readonly report: PodReport;
    }
  | {
      readonly step: "report";
      readonly life: string;
      readonly podIndex: number;
      readonly ahead: number;
      readonly older: boolean;
      readonly report: PodReport;
    }
  | { readonly step: "leave"; readonly life: string; readonly podIndex: number }
  | { readonly step: "read"; readonly known: "none" | "last" | "first" | "ahead"; readonly silenceMs: number }
  | { readonly step: "advance"; readonly ms: number }
  | { readonly step: "clock steps"; readonly ms: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant("register" as const),
      life: lives,
      podIndex: podIndexes,
      expects: fc.constantFrom("last", "found", "found", "none", "wrong"),
      floor: fc.constantFrom(0, 0, 0, 5, 2 ** 45),
      takeOver: mostly<"wait" | "now">("wait", "now"),
      report: reports,
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      step: fc.constant("report" as const),
      life: lives,
      podIndex: podIndexes,
      ahead: fc.constantFrom(0, 1, 1, 1, 2),
      older: mostly(false, true),
      report: reports,
    }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("leave" as const), life: lives, podIndex: podIndexes }) },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant("read" as const),
      known: fc.constantFrom("none", "last", "first", "ahead"),
      silenceMs: fc.constantFrom(1, 500, 4500),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 500, 5000, 86_400_000, 86_400_000, 86_400_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constant("clock steps" as const), ms: fc.constantFrom(-3000, -10_000, 3000) }),
  },
);

export const histories: fc.Arbitrary<readonly Step[]> = fc.array(steps, { minLength: 20, maxLength: 80 });
