import type * as dns from "node:dns";
import { afterEach, describe, expect, test, vi } from "vitest";
import { lookupPod } from "../src/pod-address.ts";
import type { World } from "./support/world.ts";
import { rawClient, world } from "./support/world.ts";

/** What names lead to, instead of the machine's resolver. */
const names = new Map<string, readonly string[]>();
vi.mock("node:dns", async (original) => ({
  ...(await original<typeof dns>()),
  lookup(name: string, _options: unknown, done: (error: Error | null, found: dns.LookupAddress[]) => void): void {
    const found = names.get(name);
    if (found === undefined) done(new Error(`nobody knows ${name}`), []);
    else
      done(
        null,
        Array.from(found, (address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
  },
}));

let there: World;

async function podIsAt(host: string): Promise<void> {
  there = await world({ pods: 1 });
  const [first] = there.pods;
  first?.server.on("upgrade", (_req, socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n0"));
  there.route.addresses.set(0, { host, httpPort: first?.port as number });
}

/** Over a kept connection, over one of its own, and for a WebSocket. */
const WAYS: Readonly<Record<string, () => Promise<{ status: number; text: string }>>> = {
  "a request": () => ask({}),
  "a large body": () => ask({ method: "POST", body: "x".repeat(100_000) }),
  "a WebSocket": async () => {
    const client = rawClient(there.port);
    client.socket.write("GET /u/alice/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    const text = await client.closed();
    return { status: Number(text.slice(9, 12)), text };
  },
};

async function ask(init: RequestInit): Promise<{ status: number; text: string }> {
  const response = await fetch(there.url("/u/alice/x"), init);
  return { status: response.status, text: await response.text() };
}

describe.each(Object.keys(WAYS))("%s", (way) => {
  afterEach(() => there.close());

  test("goes to the pod that the checked name leads to", async () => {
    names.set("pod.example", ["127.0.0.1"]);
    await podIsAt("Pod.example");
    const answer = await WAYS[way]?.();
    expect([answer?.status, answer?.text.endsWith("0")]).toEqual([200, true]);
  });

  test("is 503 and without effect when the name leads to link-local addresses", async () => {
    names.set("pod.example", ["169.254.169.254"]);
    await podIsAt("pod.example");
    const text: unknown = expect.stringMatching(/POD_UNAVAILABLE[^]*not-applied/);
    expect(await WAYS[way]?.()).toMatchObject({ status: 503, text });
  });
});

describe("a name leads", () => {
  const LINK_LOCAL = ["fe80::1%eth0", "FE80:0:0:0:0:0:0:1", "169.254.169.254", "::ffff:a9fe:a9fe", "fd00:ec2::254"];

  function addressesOf(name: string, all: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      lookupPod(name, { all }, (error, address, family) => {
        if (error !== null) reject(error);
        else resolve(all ? address : { address, family });
      });
    });
  }

  test("past its link-local addresses, to the others in their order", async () => {
    names.set("pod.example", [...LINK_LOCAL, "10.0.0.2", "fd00::1"]);
    expect(await addressesOf("pod.example", false)).toEqual({ address: "10.0.0.2", family: 4 });
    expect(await addressesOf("pod.example", true)).toEqual([
      { address: "10.0.0.2", family: 4 },
      { address: "fd00::1", family: 6 },
    ]);
  });

  test.each([...LINK_LOCAL, ""])("nowhere when all it has is %j", async (address) => {
    names.set("pod.example", address === "" ? [] : [address]);
    for (const all of [true, false]) {
      await expect(addressesOf("pod.example", all)).rejects.toMatchObject({ code: "POD_UNAVAILABLE" });
    }
  });

  test("nowhere when nobody knows it", async () => {
    await expect(addressesOf("unknown.example", true)).rejects.toThrow("nobody knows unknown.example");
  });
});
