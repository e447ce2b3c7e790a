import type { PodRow, Store, Subscription } from "@podlink/types";
import { isAlive, isAvailable, isRoutable } from "@podlink/types";
import type { Peers } from "../../src/peers.ts";

/** The other pods straight from the store: what a RouteInfoDriver sees, without its caches. */
export function peersOf(store: Store, namespace: string): Peers {
  return {
    follow(service) {
      let rows: readonly PodRow[] = [];
      let readAtMs = 0;
      const read = async (): Promise<void> => {
        const reading = await store.readPods(namespace, service);
        rows = reading.rows;
        readAtMs = reading.nowMs; // the store's own time: the clocks of processes differ
      };
      let watch: Subscription | undefined;
      // As of the last reading; looking at it begins another, so that no timer is needed.
      const pods = () => {
        void read().catch(() => undefined);
        return rows.map((row) => {
          const silentForMs = readAtMs - row.reportedAtMs;
          return {
            row,
            alive: isAlive(row, silentForMs),
            available: isAvailable(row, silentForMs),
            routable: isRoutable(row, silentForMs, 95),
          };
        });
      };
      return {
        cache: {
          pods,
          refresh() {
            watch ??= store.watchPods(namespace, service, () => void read().catch(() => undefined));
            return read();
          },
        },
        close() {
          watch?.close();
          rows = [];
        },
        best({ except, restartedBefore } = {}) {
          const others = pods().filter((pod) => pod.row.podIndex !== except);
          const routable = others.filter((pod) => pod.routable);
          const some = routable.length > 0 ? routable : others.filter((pod) => pod.available);
          const restarted = some.filter(
            ({ row }) =>
              restartedBefore !== undefined &&
              row.podIndex > restartedBefore.podIndex &&
              row.incarnation > restartedBefore.incarnation,
          );
          return (restarted.length > 0 ? restarted : some)[0];
        },
      };
    },
  };
}
