import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:http";
import connect from "connect";
import express from "express";
import { afterEach, describe, expect, test } from "vitest";
import { contextOf, createGuard, decodeLink } from "@podlink/http";
import type { Guard } from "@podlink/http";
import { RouteError } from "@podlink/types";
import { TablePod } from "./support/table-pod.ts";
import { linkTo } from "./support/table-route.ts";
import { eventually, closeServer, errorOf, listen, rawClient, uidOf } from "./support/world.ts";

type App = (guard: Guard, handler: (req: IncomingMessage, res: ServerResponse) => void) => RequestListener;

const apps: Record<string, App> = {
  "node:http": (guard, handler) => (req, res) => guard(req, res, () => handler(req, res)),
  Express: (guard, handler) => {
    const app = express();
    app.use("/u/:uid", guard, handler);
    return app;
  },
  Connect: (guard, handler) => {
    const app = connect();
    app.use(guard);
    app.use(handler);
    return app;
  },
};

let stop = (): Promise<void> => Promise.resolve();
afterEach(() => stop());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  stop = () => closeServer(server);
  return `http://127.0.0.1:${await listen(server)}`;
}

const codeOf = async (response: Response): Promise<unknown> => (await errorOf(response)).code;

const originalUid = (req: IncomingMessage): string | undefined =>
  uidOf({ url: (req as { originalUrl?: string }).originalUrl ?? req.url } as IncomingMessage);

describe.each(Object.entries(apps))("a guard in %s", (_name, app) => {
  test("lets in what is this pod's, and the handler can ask for link and signal", async () => {
    const pod = new TablePod(3);
    let aborted = false;
    const guard = createGuard(pod, { uid: originalUid });
    const url = await serve(
      app(guard, (req, res) => {
        const context = contextOf(req);
        context?.signal.addEventListener("abort", () => (aborted = true));
        res.end(JSON.stringify([context?.uid, context?.link.podIndex, context?.fenced ?? false, pod.running]));
      }),
    );
    expect(await (await fetch(`${url}/u/alice/x`)).json()).toEqual(["alice", 3, false, 1]);
    await eventually(() => pod.running).toBe(0);
    pod.period.abort();
    expect(aborted).toBe(true);
  });

  test("answers held-by with 421 and the link, before the body is read", async () => {
    const pod = new TablePod(0);
    pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 2, "77") });
    let handled = 0;
    const url = await serve(app(createGuard(pod, { uid: originalUid }), () => (handled += 1)));
    const client = rawClient(Number(new URL(url).port));
    client.socket.write("POST /u/alice/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    const text = await client.until("}}");
    client.socket.destroy();
    expect(text).toMatch(/^HTTP\/1.1 421 /);
    const [, link = ""] = /podlink-link: (.*)\r\n/.exec(text) ?? [];
    expect(decodeLink(link, { namespace: "test", service: "room", uid: "alice" })).toEqual(linkTo("alice", 2, "77"));
    expect(text).toContain("podlink-refused: held-by");
    expect(text).toContain('"code":"NOT_HOLDER"');
    expect(handled).toBe(0);
  });

  test.each([
    ["not-me", 421, null],
    ["fenced", 503, "1"],
    ["stopped", 503, "1"],
    ["unavailable", 503, "3"],
  ] as const)("answers %s with %i", async (reason, status, retryAfter) => {
    const pod = new TablePod(0);
    pod.refuse("alice", { reason, ...(reason === "unavailable" ? { retryAfterMs: 2001 } : undefined) });
    const url = await serve(app(createGuard(pod, { uid: originalUid }), (_req, res) => res.end()));
    const response = await fetch(`${url}/u/alice/x`);
    expect([response.status, response.headers.get("podlink-refused"), response.headers.get("podlink-link")]).toEqual([
      status,
      reason,
      null,
    ]);
    expect(response.headers.get("retry-after")).toBe(status === 421 && reason !== "not-me" ? "1" : retryAfter);
    await response.text();
  });

  test("answers a bad uid with 400", async () => {
    const url = await serve(app(createGuard(new TablePod(0), { uid: originalUid }), (_req, res) => res.end()));
    const response = await fetch(`${url}/u/%00/x`);
    expect([response.status, await codeOf(response)]).toEqual([400, "INVALID_ARGUMENT"]);
  });

  test("waits for a claim, and leaves when the caller went away meanwhile", async () => {
    const pod = new TablePod(0);
    let answer = (): void => undefined;
    pod.claim = new Promise((resolve) => (answer = resolve));
    let handled = 0;
    const url = await serve(app(createGuard(pod, { uid: originalUid }), () => (handled += 1)));
    const abort = new AbortController();
    const request = fetch(`${url}/u/alice/x`, { signal: abort.signal }).catch(() => "gone");
    await eventually(() => pod.entered.length).toBe(1);
    abort.abort();
    expect(await request).toBe("gone");
    await new Promise((resolve) => setTimeout(resolve, 20));
    answer();
    await pod.claim;
    await new Promise((resolve) => setImmediate(resolve));
    expect([handled, pod.running]).toEqual([0, 0]);
  });
});

describe("a guard", () => {
  test("without a uid function goes by what the gateway says", async () => {
    const pod = new TablePod(0);
    const guard = createGuard(pod);
    const url = await serve((req, res) => guard(req, res, () => res.end(contextOf(req)?.uid ?? "unguarded")));
    const ask = async (headers: Record<string, string>): Promise<string> => (await fetch(url, { headers })).text();
    expect(await ask({ "podlink-uid": encodeURIComponent("a b/ü") })).toBe("a b/ü");
    expect(await ask({})).toBe("unguarded");
    expect(await ask({ "podlink-uid": "%zz" })).toContain("INVALID_ARGUMENT");
  });

  test.each([
    { "podlink-uid": "bob" },
    { "podlink-route": "pod=test/room/1.1; hops=1; token=-1" },
    { "podlink-route": "pod=test/room/1.1; hops=1; token=9007199254740992" },
    { "podlink-route": "pod=test/room; hops=1; token=1" },
    { "podlink-route": "pod=test/room/1.1; hops=1; token=1, pod=test/room/2.1; hops=1; token=1" },
    { "podlink-route": "" },
  ])("refuses what contradicts the request: %j", async (headers) => {
    const pod = new TablePod(0);
    const guard = createGuard(pod, { uid: uidOf });
    const url = await serve((req, res) => guard(req, res, () => res.end("in")));
    const response = await fetch(`${url}/u/alice/x`, { headers });
    expect([response.status, pod.entered]).toEqual([400, []]);
    await response.text();
  });

  test("hands a handler's own error on, and one of the pod over HTTP", async () => {
    const pod = new TablePod(0);
    pod.enter = () => Promise.reject(new RouteError("CLOSED", "closed"));
    const guard = createGuard(pod, { uid: uidOf, timeoutMs: 100 });
    const url = await serve((req, res) => guard(req, res, () => res.end("in")));
    const response = await fetch(`${url}/u/alice/x`);
    expect([response.status, await codeOf(response)]).toEqual([503, "CLOSED"]);
    pod.enter = () => {
      throw new Error("a secret");
    };
    const internal = await fetch(`${url}/u/alice/x`);
    expect([internal.status, await internal.text()]).toEqual([
      500,
      '{"error":{"code":"INTERNAL","message":"internal error","retryable":false}}',
    ]);
  });

  test.each([
    [{ uid: "alice" }, "guard.uid"],
    [{ timeoutMs: 0 }, "guard.timeoutMs"],
    [{ uids: uidOf }, "guard.uids"],
  ])("fault 23: refuses the options %j", (options, name) => {
    expect(() => createGuard(new TablePod(0), options as never)).toThrow(name);
  });

  test("says 100 Continue when it lets a request in, not before", async () => {
    const pod = new TablePod(0);
    pod.refuse("bob", { reason: "not-me" });
    const guard = createGuard(pod, { uid: uidOf });
    const url = await serve((req, res) => guard(req, res, () => req.pipe(res)));
    await (await fetch(`${url}/u/alice/x`)).text(); // the guard has seen its server
    const port = Number(new URL(url).port);
    const head = (uid: string): string =>
      `POST /u/${uid}/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n`;
    const refused = rawClient(port);
    refused.socket.write(head("bob"));
    expect(await refused.until("}}")).toMatch(/^HTTP\/1.1 421 /);
    refused.socket.destroy();
    const letIn = rawClient(port);
    letIn.socket.write(head("alice"));
    await letIn.until("HTTP/1.1 100 Continue\r\n\r\n");
    letIn.socket.write("body");
    expect(await letIn.closed()).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK[^]*body/);
  });

  test("says 100 Continue to what it lets in, also when the handler answers before it reads", async () => {
    const guard = createGuard(new TablePod(0), { uid: uidOf });
    const url = await serve((req, res) => guard(req, res, () => req.pipe(res.writeHead(200))));
    await (await fetch(`${url}/u/alice/x`)).text();
    const client = rawClient(Number(new URL(url).port));
    client.socket.write("POST /u/alice/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await client.until("HTTP/1.1 100 Continue\r\n\r\n");
    client.socket.destroy();
  });

  test("leaves unguarded requests their 100 Continue: it is said when the body is read", async () => {
    const guard = createGuard(new TablePod(0), { uid: uidOf });
    const url = await serve((req, res) => guard(req, res, () => req.pipe(res)));
    await (await fetch(`${url}/u/alice/x`)).text();
    const client = rawClient(Number(new URL(url).port));
    client.socket.write(
      "POST /other HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n",
    );
    await client.until("100 Continue");
    client.socket.write("body");
    expect(await client.closed()).toContain("body");
  });
});
