import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectNewer, expectSame } from "./expectations.ts";
import type { LinkProbe } from "./link-probe.ts";
import { EARLIER, pod, probeLink, TTL } from "./link-probe.ts";

const ID = "repeat1";
const OTHER_ID = "repeat2";

interface Repeatable {
  readonly name: string;
  /** What is there before. Absent: nothing. */
  readonly given?: (link: LinkProbe) => Promise<unknown>;
  readonly run: (link: LinkProbe, opId: string) => Promise<object>;
  readonly answer: object;
}

const repeatable: readonly Repeatable[] = [
  {
    name: "set",
    given: (link) => link.given(pod(2), TTL),
    run: (link, opId) => link.set(pod(1), TTL, { opId }),
    answer: { repeated: true },
  },
  {
    name: "trySet",
    given: (link) => link.given(pod(2), TTL),
    run: (link, opId) => link.trySet(pod(1), TTL, { opId }),
    answer: { acquired: true, repeated: true },
  },
  {
    name: "setIfAbsent that created",
    run: (link, opId) => link.setIfAbsent(pod(1, EARLIER), "persistent", { opId }),
    answer: { created: true, repeated: true },
  },
  {
    name: "setIfAbsent that took",
    given: (link) => link.given(pod(1), TTL),
    run: (link, opId) => link.setIfAbsent(pod(1, EARLIER), "persistent", { opId }),
    answer: { created: false, taken: true, repeated: true },
  },
  {
    name: "replace",
    run: (link, opId) => link.replace("7", { owner: pod(1), lifetime: TTL, opId }),
    answer: { replaced: true, repeated: true },
  },
];

export function repeatTests(subject: Subject<LinkStore>): void {
  describe("repeats", () => {
    test.each(repeatable)("a repeated $name is answered from the record and changes nothing", async (row) => {
      const link = probeLink(subject);
      await row.given?.(link);
      await row.run(link, ID);
      const after = await link.get();
      const repeat = await row.run(link, ID);
      expect(repeat).toMatchObject({ ...row.answer, link: { token: after?.token } });
      expect(repeat).not.toHaveProperty("previous");
      expect((await link.get())?.token).toBe(after?.token);
    });

    test("a repeated remove with a grace is answered from the goodbye and moves no expiry", async () => {
      const link = probeLink(subject);
      await link.given(pod(1, EARLIER), "persistent");
      await link.remove(10_000, { opId: ID });
      await subject.advance(4000);
      expect(await link.remove(10_000, { opId: ID })).toEqual({ removed: true, repeated: true });
      subject.expectExpiresIn(await link.get(), 6000);
    });

    test("renewing leaves the mark: the claim before it can still be repeated", async () => {
      const link = probeLink(subject);
      await link.setIfAbsent(pod(1), TTL, { opId: ID });
      await link.renew({}, { ttlMs: 90_000 }, { opId: OTHER_ID });
      expect(await link.setIfAbsent(pod(1), TTL, { opId: ID })).toMatchObject({ created: true, repeated: true });
    });

    test("another id, or the id of another operation, is a new operation", async () => {
      const link = probeLink(subject);
      const { link: first } = await link.set(pod(1), TTL, { opId: ID });
      const second = await link.set(pod(1), TTL, { opId: OTHER_ID });
      expect(second).not.toHaveProperty("repeated");
      expectNewer(second.link, first);
      expect(await link.replace(second.link.token, { owner: pod(2), lifetime: TTL, opId: OTHER_ID })).toMatchObject({
        replaced: true,
        link: { podIndex: 2 },
        previous: { podIndex: 1 },
      });
    });

    test("what somebody else wrote since is not answered for: a repeated claim finds the winner", async () => {
      const link = probeLink(subject);
      await link.setIfAbsent(pod(1), TTL, { opId: ID });
      const winner = await link.given(pod(2), TTL);
      const repeat = await link.setIfAbsent(pod(1), TTL, { opId: ID });
      expect(repeat).toMatchObject({ created: false });
      expectSame(repeat.link, winner);
    });

    test("a repeated replace whose link was replaced since finds another token", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      await link.replace(before.token, { owner: pod(2), lifetime: TTL, opId: ID });
      const winner = await link.given(pod(3), TTL);
      const repeat = await link.replace(before.token, { owner: pod(2), lifetime: TTL, opId: ID });
      expect(repeat).toMatchObject({ replaced: false });
      expectSame(repeat.link, winner);
    });

    test("operations without an id are never taken for repeats", async () => {
      const link = probeLink(subject);
      const { link: first } = await link.set(pod(1), TTL);
      expectNewer((await link.set(pod(1), TTL)).link, first);
    });
  });
}
