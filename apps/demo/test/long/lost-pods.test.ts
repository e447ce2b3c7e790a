import { once } from "node:events";
import type { SupervisedApp } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import { WebSocket } from "undici";
import { expect, it } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { processTimes as times } from "../support/times.ts";
import { countOf, increment } from "../rows/support/increment.ts";

/** Longer than any failover here takes. */
const HOLD_MS = "60000";

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: { readonly pod?: number; readonly count?: number; readonly error?: { readonly outcome?: string } };
}

async function post(gateway: string, uid: string, key: string): Promise<Answer> {
  const init = { method: "POST", headers: { "idempotency-key": key } };
  const response = await fetch(`${gateway}/s/room/u/${uid}/incr`, init);
  const body = (await response.json()) as Answer["body"];
  return { status: response.status, retryAfter: response.headers.get("retry-after"), body };
}

/** A live connection: whether it was opened, and the code of its end. */
function live(gateway: string, uid: string): { readonly opened: Promise<boolean>; readonly code: Promise<number> } {
  const socket = new WebSocket(`${gateway.replace("http", "ws")}/s/room/u/${uid}/live`);
  const opened = Promise.race([once(socket, "open").then(() => true), once(socket, "error").then(() => false)]);
  const code = once(socket, "close").then(([event]) => (event as { code: number }).code);
  // It has heard the service's hello by then, so it is not idle.
  return { opened: Promise.all([opened, Promise.race([once(socket, "message"), code])]).then(([is]) => is), code };
}

interface Started extends AsyncDisposable {
  readonly apps: SampleApps;
  readonly pod: SupervisedApp;
  /** Holds what can't be served now. */
  readonly holding: string;
  /** Doesn't. */
  readonly plain: string;
}

/** Ann and Bob are at pod 0; pod 1 is there to take them. */
async function started(): Promise<Started> {
  const redis = await startRedis();
  const kept = await startRedis();
  const apps = new SampleApps({ redisUrl: redis.url, sessionRedisUrl: kept.url });
  const pod = await apps.startRoom(0);
  const [{ url: holding = "" }, { url: plain = "" }] = await Promise.all([
    apps.startGateway(0, { HOLD_MS }),
    apps.startGateway(1),
  ]);
  for (const uid of ["ann", "bob"]) {
    for (const gateway of [holding, plain]) expect(await increment(gateway, uid, gateway)).toMatchObject({ pod: 0 });
  }
  await apps.startRoom(1);
  return {
    apps,
    pod,
    holding,
    plain,
    async [Symbol.asyncDispose]() {
      await apps.end();
      await Promise.all([redis.end(), kept.end()]);
    },
  };
}

it("SIGKILL: who is held is served by the next pod, handshakes too; who isn't gets 503 with Retry-After; sockets end with 1012", async () => {
  await using here = await started();
  const { pod, holding, plain } = here;
  const sockets = [live(holding, "ann"), live(plain, "ann")];
  expect(await Promise.all(sockets.map(({ opened }) => opened))).toEqual([true, true]);
  await pod.kill();
  expect(await Promise.all(sockets.map(({ code }) => code))).toEqual([1012, 1012]);

  const held = Promise.all([post(holding, "ann", "held"), live(holding, "bob").opened]);
  const refused = await post(plain, "ann", "refused");
  expect(refused).toMatchObject({ status: 503, body: { error: { outcome: "not-applied" } } });
  expect(Number(refused.retryAfter)).toBeGreaterThan(0);
  expect(await live(plain, "bob").opened).toBe(false);
  const [answer, isOpen] = await held;
  expect(answer).toMatchObject({ status: 200, body: { pod: 1, count: 3 } });
  expect(isOpen).toBe(true);
  expect(await countOf(plain, "ann")).toBe(3);
}, 90_000);

it("SIGTERM: while a pod drains and after it nobody fails, held or not, and sockets end with 1012", async () => {
  await using here = await started();
  const { pod, holding, plain } = here;
  const sockets = [live(holding, "ann"), live(plain, "bob")];
  expect(await Promise.all(sockets.map(({ opened }) => opened))).toEqual([true, true]);
  let hasEnded = false;
  const ended = pod.terminate().finally(() => (hasEnded = true));
  const answers: Answer[] = [];
  for (let round = 0; !hasEnded; round += 1) {
    answers.push(...(await Promise.all([post(holding, "ann", `a${round}`), post(plain, "bob", `b${round}`)])));
  }
  answers.push(...(await Promise.all([post(holding, "ann", "last"), post(plain, "bob", "last")])));
  expect(await ended).toMatchObject({ code: 0, wasOverdue: false });
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(answers.slice(-2).map(({ body }) => body.pod)).toEqual([1, 1]);
  expect(await Promise.all(sockets.map(({ code }) => code))).toEqual([1012, 1012]);
}, 90_000);

it("SIGSTOP: a request and a socket that a frozen pod has end when its users are moved, not at the response timeout", async () => {
  await using here = await started();
  const { pod, holding, plain } = here;
  const socket = live(plain, "ann");
  expect(await socket.opened).toBe(true);
  pod.pause();
  const askedAtMs = performance.now();
  // Sent, and never read: it certainly may have been, for all that the gateways know.
  const answers = await Promise.all([post(holding, "ann", "frozen"), post(plain, "bob", "frozen")]);
  expect(await socket.code).toBe(1012);
  const tookMs = performance.now() - askedAtMs;
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 502, retryAfter: "1", body: { error: { outcome: "unknown" } } });
  }
  expect(tookMs, "the lease and the grace").toBeGreaterThan(times.leaseMs + times.graceMs - times.heartbeatIntervalMs);
  expect(tookMs, "the response timeout").toBeLessThan(30_000);
  expect(await increment(holding, "ann", "frozen")).toMatchObject({ pod: 1, count: 3 });
  pod.resume();
}, 90_000);
