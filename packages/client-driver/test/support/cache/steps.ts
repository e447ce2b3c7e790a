import type { Link } from "@podlink/types";
import type { StepProgram } from "@podlink/testkit";
import { stepCommands } from "@podlink/testkit";
import fc from "fast-check";
import { NAMESPACE, SERVICE } from "../world.ts";
import type { CacheModel } from "./cache-model.ts";
import type { CachingCaller } from "./caller.ts";
import { TROUBLED, UIDS } from "./caller.ts";

type Asked = "resolve" | "read" | "readPersistent" | "reserve";

type Action =
  | { kind: "ask"; how: Asked; uid: string; timeoutMs: number }
  | { kind: "abort" }
  | { kind: "forget"; uid: string }
  | { kind: "overtaken"; how: Asked; uid: string; pod: number }
  | { kind: "abortJoined"; uid: string }
  | { kind: "setCache"; uid: string; pod: number; tokenMore: number }
  | { kind: "misdirected"; uid: string; byItsPod: boolean; tokenMore: number }
  | { kind: "move"; uid: string; pod: number; ttlMs: number }
  | { kind: "claim"; uid: string; pod: number }
  | { kind: "remove"; uid: string }
  | { kind: "pod"; says: "crash" | "wake" | "NotReady" | "Ready" }
  | { kind: "line"; fault: "cut" | "hang" | "heal" | "replies" | "requests" }
  | { kind: "hold" }
  | { kind: "flow" }
  | { kind: "deliver"; count: number }
  | { kind: "pass"; ms: number };

function of<K extends Action["kind"]>(
  weight: number,
  kind: K,
  parts: { [P in Exclude<keyof Extract<Action, { kind: K }>, "kind">]: fc.Arbitrary<Extract<Action, { kind: K }>[P]> },
): { weight: number; arbitrary: fc.Arbitrary<Action> } {
  return { weight, arbitrary: fc.record({ kind: fc.constant(kind), ...parts }) as unknown as fc.Arbitrary<Action> };
}

const uid = fc.constantFrom(...UIDS);
const pod = fc.integer({ min: 0, max: 2 });
const tokenMore = fc.constantFrom(-5, 0, 5);

const action: fc.Arbitrary<Action> = fc.oneof(
  of(16, "ask", {
    how: fc.constantFrom("resolve", "resolve", "resolve", "read", "readPersistent", "reserve"),
    uid,
    timeoutMs: fc.constantFrom(500, 500, 50),
  }),
  of(2, "abort", {}),
  of(5, "forget", { uid }),
  of(3, "overtaken", { how: fc.constantFrom("resolve", "read", "readPersistent"), uid, pod }),
  of(2, "abortJoined", { uid }),
  of(2, "setCache", { uid, pod, tokenMore }),
  of(2, "misdirected", { uid, byItsPod: fc.boolean(), tokenMore }),
  of(5, "move", { uid, pod, ttlMs: fc.constantFrom(300, 60_000) }),
  of(3, "claim", { uid, pod }),
  of(2, "remove", { uid }),
  of(3, "pod", { says: fc.constantFrom("crash", "wake", "NotReady", "Ready") }),
  of(3, "line", { fault: fc.constantFrom("cut", "hang", "heal", "heal", "replies", "requests") }),
  of(5, "hold", {}),
  of(2, "flow", {}),
  of(14, "deliver", { count: fc.integer({ min: 1, max: 3 }) }),
  of(6, "pass", { ms: fc.constantFrom(10, 40, 120, 300, 1700) }),
);

/** Programs of up to `maxCommands` steps; after each the model looks. */
export const steps = (maxCommands: number): fc.Arbitrary<StepProgram<CacheModel, CachingCaller>> =>
  stepCommands(action, {
    maxCommands,
    perform: (_model: CacheModel, caller: CachingCaller, step) => perform(caller, step),
    look: async (model, caller) => {
      await caller.here.clock.advance(0);
      caller.look();
      model.checkAborted();
      return model.violations;
    },
  });

async function perform(caller: CachingCaller, step: Action): Promise<void> {
  const { here, answers, aborts } = caller;
  const link = "uid" in step ? { namespace: NAMESPACE, service: SERVICE, uid: step.uid } : undefined;
  switch (step.kind) {
    case "ask":
      return ask(caller, step);
    case "abort":
      return aborts.shift()?.abort();
    case "forget":
      return forget(caller, step.uid);
    case "overtaken":
      return overtaken(caller, step);
    case "abortJoined":
      return abortJoined(caller, step.uid);
    case "setCache":
      return setCache(caller, step);
    case "misdirected":
      return misdirected(caller, step);
    case "move": {
      const { pod: podIndex, ttlMs } = step;
      await here.store.execute({ kind: "set", ...link!, owner: { podIndex }, lifetime: { ttlMs } });
      return;
    }
    case "claim":
      await here.pods[step.pod]?.claim(step.uid);
      return;
    case "remove":
      await here.store.execute({ kind: "remove", ...link!, graceMs: 0 });
      return;
    case "pod": {
      const troubled = here.pods[TROUBLED];
      if (step.says === "crash") troubled?.crash();
      else if (step.says === "wake") {
        troubled?.crash(); // not two of it
        await troubled?.wake();
      } else await troubled?.say({ serviceState: step.says });
      return;
    }
    case "line":
      if (step.fault === "replies") here.line.dropReplies(1);
      else if (step.fault === "requests") here.line.dropRequests(1);
      else here.line[step.fault]();
      return;
    case "hold":
      return answers.hold();
    case "flow":
      return answers.flow();
    case "deliver":
      return caller.deliver(step.count);
    case "pass":
      return caller.pass(step.ms);
  }
}

function ask({ here, model, aborts }: CachingCaller, { how, uid: name, timeoutMs }: Action & { kind: "ask" }): void {
  const { driver, rooms } = here;
  const key = { service: SERVICE, uid: name };
  const abort = new AbortController();
  aborts.push(abort);
  const call = { timeoutMs, signal: abort.signal };
  const work = {
    resolve: () => rooms.resolve(name, call),
    read: () => driver.getLinkedPodNotCache(key, call),
    readPersistent: () => driver.getLinkedPodInCacheOrIfPersist(key, call),
    reserve: () => driver.setLinkedPodIfAbsent(key, 1, call),
  }[how]();
  model.follow(`${how} of ${name}`, name, timeoutMs, work, abort.signal);
}

/** The link is moved, and its entry forgotten, when a fill has read it and not heard the answer. */
async function overtaken(
  caller: CachingCaller,
  { how, uid: name, pod: podIndex }: Action & { kind: "overtaken" },
): Promise<void> {
  const { here, answers } = caller;
  answers.hold(["execute"]);
  ask(caller, { kind: "ask", how, uid: name, timeoutMs: 500 });
  await here.clock.advance(0);
  await caller.deliver(1);
  const key = { namespace: NAMESPACE, service: SERVICE, uid: name };
  await here.store.execute({ kind: "set", ...key, owner: { podIndex }, lifetime: { ttlMs: 60_000 } });
  await forget(caller, name);
  await caller.deliver(2);
}

/** Two callers share a flight; the one that began it gives up. */
async function abortJoined(caller: CachingCaller, name: string): Promise<void> {
  await forget(caller, name);
  caller.answers.hold(["execute"]);
  const first = caller.aborts.length;
  for (let at = 0; at < 2; at += 1) ask(caller, { kind: "ask", how: "resolve", uid: name, timeoutMs: 500 });
  await caller.here.clock.advance(0);
  caller.aborts[first]?.abort();
}

async function forget(caller: CachingCaller, name: string): Promise<void> {
  const { here, model } = caller;
  const key = { service: SERVICE, uid: name };
  const now = await caller.stored(name);
  const cached = here.driver.getLinkedInCache(key);
  expectPrevious(caller, here.driver.cacheExpired(key), cached);
  if (here.driver.getLinkedInCache(key) !== undefined) model.violations.push(`${name} is forgotten and cached`);
  model.forgot(name, now);
}

function setCache(
  caller: CachingCaller,
  { uid: name, pod: podIndex, tokenMore: more }: Action & { kind: "setCache" },
): void {
  const { here, model } = caller;
  const cached = here.driver.getLinkedInCache({ service: SERVICE, uid: name });
  const token = String(Number(cached?.token ?? 1000) + more);
  const link: Link = { namespace: NAMESPACE, service: SERVICE, uid: name, podIndex, token, kind: "reservation" };
  model.given(link, here.clock.nowMs());
  expectPrevious(caller, here.driver.setCache(link), cached);
}

/** A pod answers 421 with a link: the one that the cached link names, or another. */
function misdirected(caller: CachingCaller, step: Action & { kind: "misdirected" }): void {
  const { here, model } = caller;
  const { uid: name, byItsPod, tokenMore: more } = step;
  const cached = here.driver.getLinkedInCache({ service: SERVICE, uid: name });
  if (cached === undefined) return;
  const podIndex = byItsPod ? cached.podIndex : (cached.podIndex + 1) % 3;
  const said: Link = { ...cached, podIndex: (cached.podIndex + 2) % 3, token: String(Number(cached.token) + more) };
  model.given(said, here.clock.nowMs(), byItsPod);
  const target = { link: { ...cached, podIndex }, podIndex, incarnation: 1, address: { host: "127.0.0.1" } };
  const work = here.rooms.misdirected(target, said, { timeoutMs: 500 }).then(({ link }) => link);
  model.follow(`misdirected of ${name}`, name, 500, work);
}

function expectPrevious({ model }: CachingCaller, previous: Link | undefined, cached: Link | undefined): void {
  if (previous?.token !== cached?.token || previous?.podIndex !== cached?.podIndex) {
    model.violations.push(`${JSON.stringify(previous)} is said to have been cached, not ${JSON.stringify(cached)}`);
  }
}
