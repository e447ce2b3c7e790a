import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { linkTo } from "./support/table-route.ts";
import type { Handler, World } from "./support/world.ts";
import { eventually, errorOf, listen, rawClient, world } from "./support/world.ts";

const KEPT = 65_536;

let there: World;
afterEach(() => there.close());

/** Answers with the pod's index and the hash of the body. */
const hashing =
  (podIndex: number): Handler =>
  (req, res) => {
    const hash = createHash("sha256");
    req.on("data", (chunk: Buffer) => hash.update(chunk)).on("end", () => res.end(`${podIndex}:${hash.digest("hex")}`));
  };
const answerOf = (podIndex: number, body: Buffer): string =>
  `${podIndex}:${createHash("sha256").update(body).digest("hex")}`;

/** Pod 0 refuses alice and names pod 1. */
function heldByPodOne(): void {
  there.pods[0]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 1, "150") });
}

describe("a pod that answers 421", () => {
  test("with a link: the link is remembered and its pod is asked, once", async () => {
    there = await world();
    heldByPodOne();
    const response = await fetch(there.url("/u/alice/x"));
    expect([response.status, await response.text(), response.headers.get("podlink-pod")]).toEqual([200, "1", "1"]);
    expect(there.route.refusals).toEqual([{ podIndex: 0, link: linkTo("alice", 1, "150") }]);
    expect(there.pods.map(({ pod }) => pod.entered.length)).toEqual([1, 1]);
    expect(there.proxy.read()).toMatchObject({ requests: 1, repeats: 1, refusedForGood: 0, running: 0 });
    await fetch(there.url("/u/alice/x"));
    expect(there.proxy.read()).toMatchObject({ requests: 2, repeats: 1 });
  });

  test("without a link: pods and link are read, and sent once more", async () => {
    there = await world();
    there.route.afterNotMe = 1;
    there.pods[0]?.pod.refuse("alice", { reason: "not-me" });
    expect(await (await fetch(there.url("/u/alice/x"))).text()).toBe("1");
    expect(there.route.refusals).toEqual([{ podIndex: 0, link: undefined }]);
  });

  test("as the next one does, with a later link each: the user moved on meanwhile, and is found", async () => {
    there = await world({ pods: 3 });
    heldByPodOne();
    there.pods[1]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 2, "160") });
    const response = await fetch(there.url("/u/alice/x"), { method: "POST", body: "x" });
    expect([response.status, await response.text()]).toEqual([200, "2"]);
    expect(there.pods.map(({ pod }) => pod.entered.length)).toEqual([1, 1, 1]);
    expect(there.proxy.read()).toMatchObject({ requests: 1, repeats: 2, refusedForGood: 0, running: 0 });
  });

  test("as all after it do, with a later link each: four are asked, then 503 with Retry-After", async () => {
    there = await world({ pods: 6 });
    for (const [index, { pod }] of there.pods.entries())
      pod.refuse("alice", { reason: "held-by", link: linkTo("alice", (index + 1) % 6, String(150 + index)) });
    const response = await fetch(there.url("/u/alice/x"));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(there.pods.map(({ pod }) => pod.entered.length)).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test("twice with the same link: 503 with Retry-After and no third attempt", async () => {
    there = await world();
    heldByPodOne();
    there.pods[1]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 0, "150") });
    const response = await fetch(there.url("/u/alice/x"), { method: "POST", body: "x" });
    expect([response.status, response.headers.get("retry-after"), response.headers.get("podlink-link")]).toEqual([
      503,
      "1",
      null,
    ]);
    expect(await errorOf(response)).toMatchObject({ code: "POD_UNAVAILABLE", outcome: "not-applied" });
    expect(there.pods.map(({ pod }) => pod.entered.length)).toEqual([1, 1]);
  });

  test("with a broken link counts as one without", async () => {
    there = await world({
      handler: (podIndex) => (_req, res) =>
        podIndex === 0 ? res.writeHead(421, { "podlink-link": "pod=1; token=x" }).end() : res.end("1"),
    });
    there.route.afterNotMe = 1;
    expect(await (await fetch(there.url("/u/alice/x"))).text()).toBe("1");
    expect(there.route.refusals).toEqual([{ podIndex: 0, link: undefined }]);
  });

  test.each([200, 307, 400, 404, 409, 425, 429, 500, 502, 503, 504])(
    "status %i is passed on, never repeated",
    async (status) => {
      let asked = 0;
      there = await world({
        handler: () => (_req, res) => {
          asked += 1;
          res.writeHead(status, { "retry-after": "7", "podlink-link": "pod=1; token=9; kind=owned" }).end("as it is");
        },
      });
      const response = await fetch(there.url("/u/alice/x"), { redirect: "manual" });
      expect([response.status, response.headers.get("retry-after"), asked]).toEqual([status, "7", 1]);
    },
  );
});

describe("a body that is sent twice", () => {
  test.each([1, KEPT - 1, KEPT, KEPT + 1, 3 * KEPT, 1_000_000])(
    "of %i bytes with Content-Length arrives whole at the second pod",
    async (size) => {
      there = await world({ handler: hashing });
      heldByPodOne();
      const body = randomBytes(size);
      const response = await fetch(there.url("/u/alice/x"), { method: "POST", body });
      expect([response.status, await response.text()]).toEqual([200, answerOf(1, body)]);
      expect(there.proxy.read()).toMatchObject({ repeats: 1, running: 0 });
    },
  );

  test.each([1, KEPT, KEPT + 1, 1_000_000])("of %i bytes in chunks arrives whole at the second pod", async (size) => {
    there = await world({ handler: hashing });
    heldByPodOne();
    const body = randomBytes(size);
    expect(await sendInChunks(there, body, 10_000)).toBe(answerOf(1, body));
  });

  test.each([2 * KEPT, undefined])(
    "above 64 KiB (length %j) goes out only after the pod's 100 Continue",
    async (length) => {
      there = await world({ pods: 1 });
      let received = "";
      let podSocket: Socket | undefined;
      const pod = createServer((socket) => {
        podSocket = socket;
        socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1"))).on("error", () => undefined);
      });
      const port = await listen(pod as never);
      there.route.addresses.set(0, { host: "127.0.0.1", httpPort: port });
      const body = Buffer.alloc(2 * KEPT, "x");
      const framing = length === undefined ? {} : { "content-length": length };
      const outgoing = request(there.url("/u/alice/x"), { method: "POST", agent: false, headers: framing });
      const answered = new Promise<number | undefined>((resolve) =>
        outgoing.on("response", (response) => resolve(response.statusCode)),
      );
      outgoing.end(body);
      const sent = (): number => /x*\s*$/.exec(received.replaceAll(/\r\n[0-9a-f]+\r\n/g, ""))?.[0].trim().length ?? 0;
      await eventually(sent).toBe(KEPT);
      expect(received).toMatch(/\r\nexpect: 100-continue\r\n/i);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(sent()).toBe(KEPT);
      podSocket?.write("HTTP/1.1 100 Continue\r\n\r\n");
      await eventually(() => received.match(/x/g)?.length).toBeGreaterThanOrEqual(2 * KEPT);
      podSocket?.write("HTTP/1.1 204 No Content\r\n\r\n");
      expect(await answered).toBe(204);
      await new Promise((resolve) => pod.close(resolve));
    },
  );

  test("and not above 64 KiB may be sent again even when the pod's server said 100 Continue before it looked", async () => {
    there = await world({ handler: hashing });
    there.pods[0]?.server.removeAllListeners("checkContinue");
    heldByPodOne();
    const body = randomBytes(KEPT);
    expect(await sendInChunks(there, body, 10_000)).toBe(answerOf(1, body));
  });

  test("of which more than 64 KiB went out can't be sent again: 503 with Retry-After", async () => {
    // This pod's server says 100 Continue before it looks, as servers without a guard do.
    there = await world({
      handler: (podIndex) => (req, res) => {
        let bytes = 0;
        req.on("data", (chunk: Buffer) => {
          bytes += chunk.byteLength;
          if (bytes > KEPT && !res.headersSent) res.writeHead(421).end();
        });
        if (podIndex === 1) throw new Error("never asked");
      },
    });
    const response = await fetch(there.url("/u/alice/x"), { method: "POST", body: randomBytes(4 * KEPT) });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(there.proxy.read()).toMatchObject({ repeats: 0, refusedForGood: 1, running: 0 });
  });

  test("is refused beyond maxBodyBytes: 413, by length at once, in chunks when it is seen", async () => {
    there = await world({ handler: hashing, proxy: { maxBodyBytes: 100_000 } });
    const told = await fetch(there.url("/u/alice/x"), { method: "POST", body: randomBytes(100_001) });
    expect([told.status, (await errorOf(told)).code]).toEqual([413, "INVALID_ARGUMENT"]);
    expect(there.pods[0]?.pod.entered).toEqual([]);
    const client = rawClient(there.port);
    client.socket.write("POST /u/alice/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.socket.write(`${(100_001).toString(16)}\r\n${"x".repeat(100_001)}\r\n`);
    expect(await client.until("}}")).toMatch(/^HTTP\/1.1 413 /);
    client.socket.destroy();
  });
});

function sendInChunks(where: World, body: Buffer, chunkBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(where.url("/u/alice/x"), { method: "POST", agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString())).on("end", () => resolve(text));
    });
    outgoing.on("error", reject);
    for (let at = 0; at < body.byteLength; at += chunkBytes) outgoing.write(body.subarray(at, at + chunkBytes));
    outgoing.end();
  });
}
