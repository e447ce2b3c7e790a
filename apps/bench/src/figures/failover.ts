import { sleep } from "@podlink/types";
import type { Figure, Goal, Preparation } from "../measure/figure.ts";
import type { FailoverAppQuestion } from "../processes/failover-app.ts";
import type { OthersAnswer, OthersQuestion } from "../processes/failover-others.ts";
import type { UsersQuestion } from "../processes/failover-users.ts";
import type { Child } from "../support/child.ts";
import { startChild } from "../support/child.ts";
import { letUseAllCores } from "../support/cores.ts";
import { failoverTimes } from "../support/failover-times.ts";
import { redisServer } from "../support/redis.ts";

const GATEWAYS = 2;
const PODS = 3;
/** Each round kills it, and starts it again. */
const VICTIM = 1;
const USERS = 240;
/** So many users of the dead pod ask each gateway: more would be paced. */
const USERS_A_GATEWAY = 20;
const AS_CONFIGURED_MS = failoverTimes.leaseMs + failoverTimes.graceMs;
/** Beside lease and grace, for everything: the reading that confirms, the claims, the users' own pauses. */
const ALLOWED_MS = 250;

interface Variant {
  readonly title: string;
  readonly baseline: string;
  readonly goal: Goal;
  readonly ours: (round: Round) => number;
  readonly beside: (round: Round) => number;
}

type VariantName = "next-answer" | "others-p99";

const VARIANTS: Readonly<Record<VariantName, Variant>> = {
  "next-answer": {
    title: "SIGKILL of a pod to its last user's next good answer",
    baseline: "lease + grace, as configured",
    goal: { oursAtMost: AS_CONFIGURED_MS + ALLOWED_MS },
    ours: ({ latestMs }) => latestMs,
    beside: () => AS_CONFIGURED_MS,
  },
  "others-p99": {
    title: "p99 of the other pods' users, from a SIGKILL to its last user's next good answer",
    baseline: "the same users right before",
    goal: { ratioAtMost: 1.5 },
    ours: ({ p99MeanwhileMs }) => p99MeanwhileMs,
    beside: ({ p99BeforeMs }) => p99BeforeMs,
  },
};

/** What a pod's death costs its users, and what it costs the others. */
export function failover(name: VariantName): Figure {
  const { title, baseline, goal, ours, beside } = VARIANTS[name];
  return {
    id: "failover",
    variant: name,
    title,
    baseline,
    unit: "ms",
    goal,
    async prepare(preparation) {
      const place = await startPlace(preparation);
      let round = await place.round();
      const next = async (): Promise<number> => ours((round = await place.round()));
      // Of the round that was just made: both are about the same one.
      return { ours: { run: next }, baseline: { run: () => beside(round) } };
    },
  };
}

interface Round extends OthersAnswer {
  /** From the SIGKILL to the next good answer of the last one, in milliseconds. */
  readonly latestMs: number;
}

/** Gateways, pods and users, each a process of its own, over one Redis. */
async function startPlace(preparation: Preparation): Promise<{ round: () => Promise<Round> }> {
  const { url: redisUrl } = await redisServer(preparation);
  const start = async (name: string): Promise<Child> => {
    const child = await startChild(name, preparation);
    if (preparation.pin) letUseAllCores(child.pid);
    return child;
  };
  const startApp = async (what: { podIndex: number } | { app: "gateway" }): Promise<{ url: string; pid: number }> => {
    const app = await start("failover-app");
    return { url: await app.ask<string>({ redisUrl, ...what } satisfies FailoverAppQuestion), pid: app.pid };
  };
  const pods = await Promise.all(Array.from({ length: PODS }, (_, podIndex) => startApp({ podIndex })));
  const apps = await Promise.all(Array.from({ length: GATEWAYS }, () => startApp({ app: "gateway" })));
  const gateways = apps.map(({ url }) => url);
  const [users, others] = await Promise.all([start("failover-users"), start("failover-others")]);
  const ask = <Answer>(question: UsersQuestion): Promise<Answer> => users.ask(question);
  const watch = <Answer>(question: OthersQuestion): Promise<Answer> => others.ask(question);
  const [watchedMs, ratePerSecond] = preparation.tiny ? [200, 50] : [AS_CONFIGURED_MS, 300];
  let rounds = 0;

  async function round(): Promise<Round> {
    rounds += 1;
    await Promise.all(gateways.map((url) => allWarm(url)));
    const uids = Array.from({ length: USERS }, (_, index) => `user-${rounds}-${index}`);
    const podOf = await ask<number[]>({ gateways, users: uids, ask: "once" });
    const theirs = uids.filter((_, index) => podOf[index] === VICTIM).slice(0, USERS_A_GATEWAY * GATEWAYS);
    if (theirs.length < USERS_A_GATEWAY * GATEWAYS) throw new Error(`pod ${VICTIM} has ${theirs.length} users only`);
    const rest = uids.filter((_, index) => podOf[index] !== VICTIM);
    await watch({ begin: { gateways, users: rest, ratePerSecond } });
    await sleep(watchedMs / 2); // connections are open, code is compiled
    await watch({ mark: "watched" });
    await sleep(watchedMs);
    await watch({ mark: "killed" });
    const latestMs = await ask<number>({ gateways, users: theirs, kill: pods[VICTIM]!.pid });
    await watch({ mark: "served" });
    const answer = await watch<OthersAnswer>({ end: true });
    pods[VICTIM] = await startApp({ podIndex: VICTIM });
    return { latestMs, ...answer };
  }

  return { round };
}

/** Waits until a gateway sees that every pod gets its whole share of new users. */
async function allWarm(url: string): Promise<void> {
  for (;;) {
    const pods = (await (await fetch(`${url}/s/room/pods`)).json()) as { routable: boolean; warmth: number }[];
    if (pods.filter(({ routable, warmth }) => routable && warmth === 1).length === PODS) return;
    await sleep(50);
  }
}
