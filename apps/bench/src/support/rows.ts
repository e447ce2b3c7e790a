import type { PodRegistry, PodReport } from "@podlink/types";

/** Rows of pods that are nothing but rows. */
export interface Rows {
  /** New reports of so large a share of the pods, at least of one; each with a load that is told to readers. */
  change(share: number): Promise<void>;
  /** The next report of a pod. `told`: with a load that readers are told; `flipped`: with another routing state, published. */
  report(podIndex: number, how: { readonly told?: boolean; readonly flipped?: boolean }): Promise<void>;
}

const AT_ONCE = 256;

/**
 * Registers pods that are ready, and whose leases don't end while something is measured.
 * @param first the pod index of the first of them; those that the rows are asked with begin with 0. Default 0.
 */
export async function registerPods(
  store: PodRegistry,
  {
    namespace,
    service,
    pods,
    first = 0,
  }: { readonly namespace: string; readonly service: string; readonly pods: number; readonly first?: number },
): Promise<Rows> {
  const call = { timeoutMs: 10_000 };
  const reports = Array.from({ length: pods }, () => 1);
  const incarnations: number[] = [];
  await inParts(pods, async (podIndex) => {
    const name = { namespace, service, podIndex: first + podIndex };
    const registration = {
      ...name,
      life: `life-${podIndex}`,
      takeOver: "wait",
      generation: "0123456789abcdef",
    } as const;
    const done = await store.register({ ...registration, report: reportOf(podIndex, 0) }, call);
    if (!done.registered) throw new Error(`pod ${podIndex} was there before`);
    incarnations[podIndex] = done.incarnation;
  });
  const told = reports.map(() => 0);
  const open = reports.map(() => true);
  const report: Rows["report"] = async (podIndex, how) => {
    const reportNumber = (reports[podIndex]! += 1);
    if (how.told === true) told[podIndex]! += 1;
    if (how.flipped === true) open[podIndex] = !open[podIndex];
    const routingState = open[podIndex] ? "Ready" : "DenyNewCall";
    const name = {
      namespace,
      service,
      podIndex: first + podIndex,
      incarnation: incarnations[podIndex]!,
      life: `life-${podIndex}`,
    };
    const text = { ...reportOf(podIndex, told[podIndex]!), routingState } as const;
    await store.report({ ...name, reportNumber, report: text }, call);
  };
  let next = 0;
  const change = async (share: number): Promise<void> => {
    await inParts(Math.max(1, Math.round(pods * share)), () => report(next++ % pods, { told: true }));
  };
  await change(1); // a pod counts from its first report on
  return { change, report };
}

async function inParts(total: number, work: (turn: number) => Promise<void>): Promise<void> {
  for (let start = 0; start < total; start += AT_ONCE) {
    const length = Math.min(AT_ONCE, total - start);
    await Promise.all(Array.from({ length }, (_, turn) => work(start + turn)));
  }
}

function reportOf(podIndex: number, told: number): PodReport {
  return {
    serviceState: "Ready",
    routingState: "Ready",
    loadState: 0,
    loadScore: (podIndex * 7 + told * 11) % 80,
    linkCount: 100 + ((told * 37) % 1000),
    leaseMs: 3_600_000,
    address: { host: `10.0.${podIndex >> 8}.${podIndex & 255}`, httpPort: 3000 },
    weight: 1,
    metadata: {},
  };
}
