import { describe, expect, it } from "vitest";
import type { Answer, LinkOp, RemoteStore } from "../src/index.ts";
import { batchGetLinkedPod, makeLink, namedOperations, RouteError } from "../src/index.ts";

/** Records what reaches the port; what the operations mean is the contract suites' business. */
function recorder(answer: (op: LinkOp) => unknown = () => undefined): { ops: LinkOp[]; store: RemoteStore } {
  const ops: LinkOp[] = [];
  const store = {
    execute: async (op: LinkOp) => {
      ops.push(op);
      return answer(op);
    },
    executeAll: async (list: LinkOp[]) => {
      ops.push(...list);
      return list.map((op) => {
        const value = answer(op);
        return (RouteError.is(value) ? { error: value } : { value }) as Answer;
      });
    },
    podsOf: async (namespace: string, service: string, uids: string[]) =>
      batchGetLinkedPod(store as unknown as RemoteStore, { namespace, service, uids }),
    servicesOf: async () => new Map([["room", makeLink({ ...key, podIndex: 0, token: "1", kind: "reservation" })]]),
    workloadStates: async (_namespace: string, services: string[]) => new Map(services.map((name) => [name, "Ready"])),
    readPods: async () => ({ rows: [{ podIndex: 0 }] }),
  };
  return { ops, store: store as unknown as RemoteStore };
}

const key = { namespace: "prod", service: "room", uid: "alice" };
const owner = { podIndex: 0 };
const lifetime = { ttlMs: 5 };

describe("the operations by name", () => {
  it("are the operations of the union, one each", async () => {
    const { ops, store } = recorder();
    const named = namedOperations(store);
    await named.setLinkedPod(key, owner, lifetime);
    await named.trySetLinkedPod(key, owner, lifetime);
    await named.setLinkedPodIfAbsent(key, owner, lifetime);
    await named.replaceLinkedPod(key, "7", owner, lifetime);
    await named.getLinkedPod(key);
    await named.removeLinkedPod(key, 10);
    await named.removeLinkedPodWithId(key, 0, 10);
    expect(ops).toEqual([
      { kind: "set", ...key, owner, lifetime },
      { kind: "trySet", ...key, owner, lifetime },
      { kind: "setIfAbsent", ...key, owner, lifetime },
      { kind: "replace", ...key, expectedToken: "7", owner, lifetime },
      { kind: "get", ...key },
      { kind: "remove", ...key, graceMs: 10 },
      { kind: "remove", ...key, graceMs: 10, expected: { podIndex: 0 } },
    ]);
  });

  it("a link that expires is not persistent", async () => {
    const link = makeLink({ ...key, podIndex: 0, token: "1", kind: "owned", incarnation: 1 });
    expect(await namedOperations(recorder(() => link).store).getLinkedPodIfPersist(key)).toBe(link);
    const short = makeLink({ ...link, expiresInMs: 5 });
    expect(await namedOperations(recorder(() => short).store).getLinkedPodIfPersist(key)).toBeUndefined();
    expect(await namedOperations(recorder().store).getLinkedPodIfPersist(key)).toBeUndefined();
  });

  it("fault 1: a batch groups the linked users by pod, pod 0 too, and leaves out who has no link", async () => {
    const pods: Record<string, number> = { a: 0, b: 1, c: 0 };
    const { store } = recorder(({ uid }) => {
      const podIndex = pods[uid];
      return podIndex === undefined ? undefined : makeLink({ ...key, uid, podIndex, token: "1", kind: "reservation" });
    });
    const linked = await namedOperations(store).batchGetLinkedPod("prod", "room", ["a", "b", "c", "d", "a"]);
    expect(linked).toEqual(
      new Map([
        [0, ["a", "c"]],
        [1, ["b"]],
      ]),
    );
  });

  it("a batch with an unreadable link fails with that link's error, and one that is too long is never sent", async () => {
    const corrupt = new RouteError("CORRUPT", "newer format");
    const { ops, store } = recorder(() => corrupt);
    await expect(namedOperations(store).batchGetLinkedPod("prod", "room", ["a"])).rejects.toBe(corrupt);
    ops.length = 0;
    const many = Array.from({ length: 10_001 }, (_, index) => `u${index}`);
    await expect(namedOperations(store).batchGetLinkedPod("prod", "room", many)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(ops).toEqual([]);
  });

  it("the rest reads what the ports have", async () => {
    const named = namedOperations(recorder().store);
    expect((await named.getLinkService("prod", "alice")).get("room")?.podIndex).toBe(0);
    expect(await named.getServiceState("prod", "room")).toEqual([{ podIndex: 0 }]);
    expect(await named.getWorkloadState("prod", "room")).toBe("Ready");
    expect(await named.batchGetWorkloadState("prod", ["a"])).toEqual(new Map([["a", "Ready"]]));
  });
});
