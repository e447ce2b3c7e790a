import type { Load, UserFigures } from "@podlink/testkit/load";
import { countBreaches, formatReport, startLoad } from "@podlink/testkit/load";
import { expect, it, vi } from "vitest";
import { countAt, Deployment, increments } from "./deployment.ts";

const PATIENCE = { timeout: 60_000, interval: 100 };

/** Three pods and a gateway under load; `disturb` happens when every user was served. */
async function underLoad(name: string, disturb: (running: Running) => Promise<void>): Promise<void> {
  await using deployment = new Deployment(name);
  await deployment.startServers();
  await Promise.all([0, 1, 2].map((podIndex) => deployment.pod(podIndex)));
  const { url = "" } = await deployment.gateway();
  await using load = await startLoad(increments(url));
  await vi.waitFor(() => expect(served(load)).toHaveLength(30), PATIENCE);

  const podIndex = load.user("user-0")?.pods.at(-1) ?? 0;
  const theirs = served(load).filter(({ pods }) => pods.at(-1) === podIndex);
  await disturb({ deployment, load, podIndex, uids: theirs.map(({ uid }) => uid) });

  // #region account
  const report = await load.end({ deadlineMs: 60_000 });
  expect(report.figures, formatReport(report)).toMatchObject({ refused: 0, unknown: 0, failed: 0, shed: 0 });
  expect(report.users.splitTokens).toBe(0); // nobody was served by two at once
  expect(await countBreaches(load.users(), (uid) => countAt(url, uid))).toEqual([]); // each counter: exactly what was acknowledged
  // #endregion
}

interface Running {
  readonly deployment: Deployment;
  readonly load: Load;
  /** The pod of user-0, and all the users it has. */
  readonly podIndex: number;
  readonly uids: readonly string[];
}

const served = (load: Load): UserFigures[] =>
  Array.from(load.users()).filter((user) => user.acknowledged > 0 && user.unservedSinceMs === undefined);

/** Resolves when others serve the users of the pod. */
const takenOver = ({ load, podIndex, uids }: Running): Promise<void> =>
  vi.waitFor(() => {
    const back = served(load).filter(({ uid, pods }) => uids.includes(uid) && pods.at(-1) !== podIndex);
    expect(back).toHaveLength(uids.length);
  }, PATIENCE);

/** Resolves when so many more increments were acknowledged. */
async function acknowledgedMore(load: Load, more: number): Promise<void> {
  const { acknowledged } = load.report().figures;
  await vi.waitFor(() => expect(load.report().figures.acknowledged).toBeGreaterThan(acknowledged + more), PATIENCE);
}

// #region kill
it(
  "a pod is killed: its users are back after lease and grace, the others notice nothing, every counter is exact",
  () =>
    underLoad("kill", async (running) => {
      const { deployment, load, podIndex, uids } = running;
      const gapsBefore = new Map(Array.from(load.users(), ({ uid, longestGapMs }) => [uid, longestGapMs]));
      await deployment.supervisor.app(`pod-${podIndex}`).kill();
      await takenOver(running);
      for (const { uid, longestGapMs } of load.users()) {
        // Lease and grace; the rest is for the pace, the repeats and a busy machine.
        const allowedMs = uids.includes(uid) ? 4000 + 1000 + 10_000 : gapsBefore.get(uid);
        expect(longestGapMs, uid).toBeLessThanOrEqual(allowedMs ?? 0);
      }
    }),
  120_000,
);
// #endregion

// #region drain
it(
  "a pod is terminated: it drains, and no request has to be repeated",
  () =>
    underLoad("drain", async (running) => {
      const { deployment, load, podIndex } = running;
      const before = load.mark("SIGTERM");
      const ending = await deployment.supervisor.app(`pod-${podIndex}`).terminate({ withinMs: 30_000 });
      expect(ending).toMatchObject({ code: 0, wasOverdue: false });
      await takenOver(running);
      expect(load.between(before)).toMatchObject({ retries: 0, refused: 0, unknown: 0, failed: 0 });
    }),
  120_000,
);
// #endregion

it(
  "a pod stands still for longer than its lease: what it wakes up with harms nobody",
  () =>
    underLoad("pause", async (running) => {
      const { deployment, load, podIndex } = running;
      const pod = deployment.supervisor.app(`pod-${podIndex}`);
      pod.pause();
      await takenOver(running);
      pod.resume();
      await acknowledgedMore(load, 100); // it goes on with what it was at, and is refused
      expect(pod.state).toBe("ready");
    }),
  120_000,
);
