import type { Link, LinkStore, SetResult } from "@podlink/types";
import { checkToken, TOKEN_LIMIT } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectNewer, expectRefused } from "./expectations.ts";
import { pod, probeLink, TTL } from "./link-probe.ts";

const HOUR_US = 3_600_000_000;
const DAY_US = 24 * HOUR_US;

function linkIn(result: SetResult): Link {
  return result.link;
}

export function tokenTests(subject: Subject<LinkStore>): void {
  describe("tokens", () => {
    test("are decimal text of a number below 2^53, about the time in microseconds", async () => {
      const { token } = await probeLink(subject).given(pod(1), TTL);
      expect(checkToken(token)).toBe(token);
      expect(Number(token)).toBeGreaterThan(1_600_000_000_000_000);
    });

    test("grow with every new owner, also within one moment", async () => {
      const link = probeLink(subject);
      let before = await link.given(pod(0), TTL);
      for (let podIndex = 1; podIndex < 10; podIndex += 1) {
        const after = await link.given(pod(podIndex), TTL);
        expectNewer(after, before);
        before = after;
      }
    });

    test("are higher than the floor that a fenced storage has named", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      const tokenFloor = String(Number(before.token) + HOUR_US);
      const after = linkIn(await link.set({ podIndex: 1, tokenFloor }, TTL));
      expect(Number(after.token)).toBeGreaterThan(Number(tokenFloor));
      expectNewer(await link.given(pod(2), TTL), after);
    });

    test("of a floor below are not bound to it", async () => {
      const link = probeLink(subject);
      const before = await link.given(pod(1), TTL);
      expectNewer(linkIn(await link.set({ podIndex: 1, tokenFloor: "1" }, TTL)), before);
    });

    test("a floor more than a day ahead of the store's clock is refused, whatever the link is", async () => {
      const link = probeLink(subject);
      const { token } = await link.given(pod(1), TTL);
      for (const tooHigh of [String(Number(token) + 2 * DAY_US), String(TOKEN_LIMIT - 1)]) {
        const owner = { podIndex: 2, tokenFloor: tooHigh };
        await expectRefused(link.set(owner, TTL), "tokenFloor");
        await expectRefused(link.setIfAbsent(owner, TTL), "tokenFloor");
        await expectRefused(link.replace("1", { owner, lifetime: TTL }), "tokenFloor");
      }
      expect(await link.get()).toMatchObject({ podIndex: 1, token });
    });

    test("grow across records: after removal and after expiry", async () => {
      const removed = probeLink(subject);
      const tokenFloor = String(Number((await removed.given(pod(1), TTL)).token) + HOUR_US);
      const high = linkIn(await removed.set({ podIndex: 1, tokenFloor }, TTL));
      await removed.remove(0);
      expectNewer(await removed.given(pod(1), TTL), high);

      const expired = probeLink(subject);
      const short = linkIn(await expired.set({ podIndex: 1, tokenFloor }, { ttlMs: 1000 }));
      await subject.advance(1000);
      expectNewer(await expired.given(pod(2), TTL), short);
    });

    test("follow the store's time", async () => {
      const before = await probeLink(subject).given(pod(1), TTL);
      await subject.advance(5000);
      const after = await probeLink(subject).given(pod(1), TTL);
      expect(Number(after.token) - Number(before.token)).toBeGreaterThan(0);
    });
  });
}
