import { MemoryExecutor } from "@podlink/memory-executor";
import type { Service } from "podlink";
import { connect, joinAsPod } from "podlink";

export interface LinkedHandle {
  readonly rooms: Service;
  readonly end: () => Promise<void>;
}

/** A handle whose cache holds a link for each uid, to a pod that is ready. */
export async function linkedHandle(uids: readonly string[]): Promise<LinkedHandle> {
  const store = new MemoryExecutor();
  const namespace = "bench";
  const pod = await joinAsPod({
    store,
    namespace,
    service: "room",
    podIndex: 0,
    http: { port: 4000, host: "127.0.0.1" },
  });
  pod.ready();
  const podlink = await connect({ store, namespace, client: { maxCachedLinks: 2 * uids.length } });
  const rooms = podlink.service("room");
  await rooms.init();
  for (let start = 0; start < uids.length; start += 1000) {
    await Promise.all(uids.slice(start, start + 1000).map((uid) => rooms.resolve(uid)));
  }
  const end = async (): Promise<void> => {
    await podlink.close();
    await pod.driver.close();
    await pod.stop();
    await store.close();
  };
  return { rooms, end };
}

/** Uids in an order that no prefetcher knows. */
export function shuffledUids(count: number): string[] {
  const uids = Array.from({ length: count }, (_, index) => `user-${index}`);
  let seed = 1;
  for (let index = count - 1; index > 0; index -= 1) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const other = seed % (index + 1);
    [uids[index], uids[other]] = [uids[other] as string, uids[index] as string];
  }
  return uids;
}
