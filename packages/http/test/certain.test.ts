import { afterEach, describe, expect, test } from "vitest";
import { linkTo } from "./support/table-route.ts";
import type { World, WorldOptions } from "./support/world.ts";
import { deadPort, errorOf, eventually, rawClient, world } from "./support/world.ts";

const LONG_MS = 60_000;

let there: World;
afterEach(() => there.close());

/** Alice is at pod 0 for certain, as far as the gateway knows. */
async function certain(options?: WorldOptions): Promise<void> {
  there = await world(options);
  there.route.isCertain = true;
  there.route.believed.set("alice", linkTo("alice", 0));
}

describe("a request whose pod is certain", () => {
  test("goes there and nobody is asked; others are asked for", async () => {
    await certain();
    expect(await (await fetch(there.url("/u/alice/x"))).text()).toBe("0");
    expect(there.route.asked).toBe(0);
    expect(await (await fetch(there.url("/u/bob/x"))).text()).toBe("0");
    expect(there.route.asked).toBe(1);
  });

  test.each([undefined, "a body"])("is sent on where that pod's 421 points to, its body too: %j", async (body) => {
    await certain({
      handler: (podIndex) => (req, res) => {
        let text = `${podIndex}`;
        req.on("data", (chunk: Buffer) => (text += ` ${chunk.toString()}`)).on("end", () => res.end(text));
      },
    });
    there.pods[0]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 1, "150") });
    const init = body === undefined ? {} : { method: "POST", body };
    expect(await (await fetch(there.url("/u/alice/x"), init)).text()).toBe(body === undefined ? "1" : "1 a body");
    expect(there.route.refusals).toEqual([{ podIndex: 0, link: linkTo("alice", 1, "150") }]);
    expect(there.proxy.read()).toMatchObject({ repeats: 1, running: 0 });
  });

  test("is answered 503 when its address mustn't be connected to, or nobody is there", async () => {
    await certain();
    for (const address of [
      { host: "169.254.169.254", httpPort: 80 },
      { host: "127.0.0.1", httpPort: await deadPort() },
    ]) {
      there.route.addresses.set(0, address);
      const response = await fetch(there.url("/u/alice/x"));
      expect(response.status).toBe(503);
      expect(await errorOf(response)).toMatchObject({ code: "POD_UNAVAILABLE", outcome: "not-applied" });
    }
    expect(there.proxy.read()).toMatchObject({ unresolved: 1, unreached: 1, running: 0 });
  });

  test("waits with holdMs until its user was moved", async () => {
    await certain({ proxy: { holdMs: LONG_MS } });
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
    const answered = fetch(there.url("/u/alice/x"));
    await eventually(() => there.proxy.read()["holding"]).toBe(1);
    there.route.believed.set("alice", linkTo("alice", 1, "150"));
    expect(await (await answered).text()).toBe("1");
    expect(there.route.asked).toBe(0);
  });

  test.each([0, LONG_MS])(
    "is answered, and nothing of it stays, when the route throws in spite of its contract: holdMs %d",
    async (holdMs) => {
      await certain({ proxy: { holdMs } });
      there.route.peekTarget = () => {
        throw new Error("of the test");
      };
      const response = await fetch(there.url("/u/alice/x"));
      expect(response.status).toBe(500);
      await response.text();
      await eventually(() => there.proxy.read()).toMatchObject({ unresolved: 1, aborted: 0, running: 0 });
    },
  );

  test("is not sent when its body is too large by what it says", async () => {
    await certain({ proxy: { maxBodyBytes: 3 } });
    const response = await fetch(there.url("/u/alice/x"), { method: "POST", body: "four" });
    expect([response.status, there.pods[0]?.pod.entered]).toEqual([413, []]);
    await response.text();
  });

  test("comes after others of its connection, and each is answered in its turn", async () => {
    let first = (): void => undefined;
    await certain({
      handler: () => (req, res) => {
        if (req.url !== "/u/alice/1") res.end(`second ${req.url}`);
        else first = () => res.end("first");
      },
    });
    const client = rawClient(there.port);
    const head = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    client.socket.write(head("/u/alice/1") + head("/u/alice/2"));
    await eventually(() => there.pods[0]?.pod.entered.length).toBe(2);
    first();
    expect(await client.until("second /u/alice/2")).toMatch(/first[^]*second/);
    client.socket.destroy();
  });
});
