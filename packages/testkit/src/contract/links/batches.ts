import type { LinkOp, LinkStore } from "@podlink/types";
import { MAX_CALL_ITEMS } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { errorOf, expectRefused } from "./expectations.ts";
import { pod, probeLink, TTL } from "./link-probe.ts";

export function batchTests(subject: Subject<LinkStore>): void {
  describe("executeAll", () => {
    test("fault 8: answers each of many operations of all kinds in the order asked", async () => {
      const service = subject.uniqueName();
      const { namespace } = subject;
      const uids = Array.from({ length: 300 }, () => subject.uniqueName());
      const claims = uids.map(
        (uid, position) =>
          ({ kind: "setIfAbsent", namespace, service, uid, owner: pod(position % 3), lifetime: TTL }) as const,
      );
      const created = await subject.store.executeAll(claims);
      expect(created.map((answer) => "value" in answer && "created" in answer.value && answer.value.created)).toEqual(
        uids.map(() => true),
      );
      const read = await subject.store.executeAll(
        uids.map((uid) => ({ kind: "get", namespace, service, uid }) as const),
      );
      expect(read.map((answer) => "value" in answer && [answer.value?.uid, answer.value?.podIndex])).toEqual(
        uids.map((uid, position) => [uid, position % 3]),
      );
    });

    test("one bad operation spoils only its own answer", async () => {
      const good = subject.uniqueKey();
      const answers = await subject.store.executeAll<LinkOp>([
        { kind: "set", ...good, owner: pod(1), lifetime: TTL },
        { kind: "set", ...good, uid: "..", owner: pod(1), lifetime: TTL },
        { kind: "get", ...subject.uniqueKey() },
      ]);
      expect(answers).toMatchObject([
        { value: { link: { podIndex: 1 } } },
        { error: { code: "INVALID_ARGUMENT", message: expect.stringContaining("uid") as string } },
        { value: undefined },
      ]);
    });

    test("an empty list is answered with an empty list", async () => {
      expect(await subject.store.executeAll([])).toEqual([]);
    });

    test("more than 10,000 operations are refused as a whole, and none is carried out", async () => {
      const link = probeLink(subject);
      const op = { kind: "set", ...link.key, owner: pod(1), lifetime: TTL } as const;
      await expectRefused(subject.store.executeAll(Array.from({ length: MAX_CALL_ITEMS + 1 }, () => op)), "ops");
      expect(await link.get()).toBeUndefined();
    });

    test("10,000 operations are taken", async () => {
      const op = { kind: "get", ...subject.uniqueKey() } as const;
      const answers = await subject.store.executeAll(
        Array.from({ length: MAX_CALL_ITEMS }, () => op),
        {
          timeoutMs: 20_000,
        },
      );
      expect(answers).toHaveLength(MAX_CALL_ITEMS);
    });

    test("what is not a list is refused", async () => {
      expect((await errorOf(subject.store.executeAll(undefined as never))).code).toBe("INVALID_ARGUMENT");
    });
  });
}
