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
  const name = { namespace: "bench", service: "room" };
  const pod = await joinAsPod({ ...name, store, podIndex: 0, http: { port: 4000, host: "127.0.0.1" } });
  pod.ready();
  const podlink = await connect({
    store,
    namespace: name.namespace,
    client: { maxCachedLinks: Math.max(1, uids.length) },
  });
  const rooms = podlink.service(name.service);
  await rooms.init();
  for (const uid of uids) podlink.client.setCache({ ...name, uid, podIndex: 0, token: "1", kind: "reservation" });
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
