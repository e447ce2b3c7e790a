import type { LinkStore } from "@podlink/types";
import { describe, expect, test } from "vitest";
import type { Subject } from "../subject.ts";
import { expectRefused } from "./expectations.ts";
import { EARLIER, LinkProbe, pod, probeLink, TTL } from "./link-probe.ts";

/** The most services that one uid may have live links of. */
const MAX_SERVICES = 128;

export function servicesOfTests(subject: Subject<LinkStore>): void {
  const probe = (uid: string, service: string): LinkProbe =>
    new LinkProbe(subject.store, { namespace: subject.namespace, service, uid });

  describe("servicesOf", () => {
    test("lists the live links of a uid by service", async () => {
      const uid = subject.uniqueName();
      const rooms = probe(uid, subject.uniqueName());
      const games = probe(uid, subject.uniqueName());
      const room = await rooms.given(pod(0), TTL);
      const game = await games.given(pod(2, EARLIER), "persistent");
      await probe(uid, subject.uniqueName()).given(pod(3), { ttlMs: 1000 });
      await probe(subject.uniqueName(), rooms.key.service).given(pod(4), TTL);
      await subject.advance(1000);
      const services = await subject.store.servicesOf(subject.namespace, uid);
      expect(services).toEqual(
        new Map([
          [rooms.key.service, expect.objectContaining({ podIndex: 0, token: room.token })],
          [games.key.service, game],
        ]),
      );
    });

    test("of a uid without links is empty", async () => {
      expect(await subject.store.servicesOf(subject.namespace, subject.uniqueName())).toEqual(new Map());
    });

    test("refuses a bad namespace and a bad uid", async () => {
      await expectRefused(subject.store.servicesOf("Not A Label", "u"), "namespace");
      await expectRefused(subject.store.servicesOf(subject.namespace, ""), "uid");
    });

    test("a uid has live links of at most 128 services; an expired one makes room", async () => {
      const uid = subject.uniqueName();
      const family = subject.uniqueName();
      for (let index = 0; index < MAX_SERVICES; index += 1) {
        await probe(uid, `${family}-${index}`).given(pod(1), index === 0 ? { ttlMs: 20_000 } : TTL);
      }
      const one = probe(uid, `${family}-more`);
      await expectRefused(one.set(pod(1), TTL), "service");
      expect(await one.get()).toBeUndefined();
      expect(await probe(uid, `${family}-1`).set(pod(2), TTL)).toMatchObject({ link: { podIndex: 2 } });
      await subject.advance(20_000);
      expect(await one.set(pod(1), TTL)).toMatchObject({ link: { podIndex: 1 } });
      expect(await subject.store.servicesOf(subject.namespace, uid)).toHaveProperty("size", MAX_SERVICES);
    });
  });

  describe("names", () => {
    test("fault 15: no two of namespace, uid and service share a link, whatever they contain", async () => {
      const [one, two] = [subject.namespace, subject.otherNamespace];
      const service = subject.uniqueName();
      const base = subject.uniqueName();
      const texts = [
        "a}b",
        "a/b",
        "a%7Db",
        "a%7db",
        "a%2Fb",
        "a b",
        "a:b",
        "{a}",
        "*",
        "é",
        "e\u0301",
        "😀",
        "__proto__",
        "a",
        "A",
      ];
      const keys = texts.flatMap((text) => [
        { namespace: one, service, uid: `${base}${text}` },
        { namespace: two, service, uid: `${base}${text}` },
        { namespace: one, service: `${service}-b`, uid: `${base}${text}` },
      ]);
      keys.push({ namespace: one, service, uid: "__proto__" }, { namespace: one, service, uid: "constructor" });
      for (const [podIndex, key] of keys.entries()) await new LinkProbe(subject.store, key).given(pod(podIndex), TTL);
      const read = await subject.store.executeAll(keys.map((key) => ({ kind: "get", ...key }) as const));
      expect(read.map((answer) => "value" in answer && answer.value?.podIndex)).toEqual(keys.map((_, index) => index));
      for (const { uid } of keys.slice(0, 3)) {
        expect((await subject.store.servicesOf(one, uid)).size).toBe(2);
        expect((await subject.store.servicesOf(two, uid)).size).toBe(1);
      }
    });

    test("fault 1: pod 0 is a pod, and no link is nothing at all", async () => {
      const link = probeLink(subject);
      expect(await link.get()).toBeUndefined();
      expect(await link.setIfAbsent(pod(0), TTL)).toMatchObject({ created: true, link: { podIndex: 0 } });
      expect(await link.get()).toMatchObject({ podIndex: 0 });
      expect(await link.setIfAbsent(pod(1), TTL)).toMatchObject({ created: false, link: { podIndex: 0 } });
      expect(await link.trySet(pod(0, EARLIER), "persistent")).toMatchObject({ acquired: true });
      expect(await link.trySet(pod(1), TTL)).toMatchObject({ acquired: false, link: { podIndex: 0 } });
      expect(await link.remove(0, { expected: { podIndex: 1 } })).toMatchObject({ removed: false });
      expect(await link.remove(0, { expected: { podIndex: 0 } })).toEqual({ removed: true });
      expect(await link.get()).toBeUndefined();
    });
  });
}
