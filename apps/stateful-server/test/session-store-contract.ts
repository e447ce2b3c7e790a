import { describe, expect, test } from "vitest";
import type { SessionStore, SessionWrite } from "../src/session-store.ts";
import { FRESH, KEPT } from "../src/session-store.ts";

const fence = (token: number, holder = "0.1") => ({ token: String(token), holder });

function incr(sequence: number, key?: string): SessionWrite {
  const change = { sequence, kind: "incr", count: sequence } as const;
  return key === undefined ? { change } : { change, key: { key, request: "incr", sequence, count: sequence } };
}

const say = (sequence: number, text: string): SessionWrite => ({ change: { sequence, kind: "say", count: 0, text } });

/** What every session store must do. @param makeStore a store that has no session yet. */
export function sessionStoreContract(name: string, makeStore: () => Promise<SessionStore> | SessionStore): void {
  describe(`${name}: session store`, () => {
    test("a session that nobody made is fresh", async () => {
      const store = await makeStore();
      expect(await store.loadAndRaise("alice", fence(5))).toEqual({ session: FRESH });
    });

    test("what was written is loaded, by a later period too", async () => {
      const store = await makeStore();
      await store.loadAndRaise("alice", fence(5));
      expect(await store.write("alice", fence(5), incr(1, "key-1"))).toBe("written");
      expect(await store.write("alice", fence(5), say(2, "hello"))).toBe("written");
      expect(await store.loadAndRaise("alice", fence(6, "1.9"))).toEqual({
        session: {
          count: 0,
          sequence: 2,
          messages: [{ sequence: 2, text: "hello" }],
          changes: [incr(1).change, say(2, "hello").change],
          keys: [{ key: "key-1", request: "incr", sequence: 1, count: 1 }],
        },
      });
    });

    test("loading raises the fence: older writers are refused and told the token", async () => {
      const store = await makeStore();
      await store.loadAndRaise("alice", fence(5));
      await store.loadAndRaise("alice", fence(9, "1.1"));
      expect(await store.write("alice", fence(5), incr(1))).toEqual({ refused: "9" });
      expect(await store.loadAndRaise("alice", fence(5))).toEqual({ refused: "9" });
      expect(await store.write("alice", fence(9, "1.1"), incr(1))).toBe("written");
    });

    test("the same token is another's when the holder is another", async () => {
      const store = await makeStore();
      await store.loadAndRaise("alice", fence(5, "0.1"));
      expect(await store.loadAndRaise("alice", fence(5, "0.2"))).toEqual({ refused: "5" });
      expect(await store.write("alice", fence(5, "0.2"), incr(1))).toEqual({ refused: "5" });
      expect(await store.loadAndRaise("alice", fence(5, "0.1"))).toEqual({ session: FRESH });
    });

    test("tokens are compared as numbers", async () => {
      const store = await makeStore();
      await store.loadAndRaise("alice", fence(99));
      expect(await store.loadAndRaise("alice", fence(100))).toEqual({ session: FRESH });
      expect(await store.loadAndRaise("alice", fence(99))).toEqual({ refused: "100" });
      await store.loadAndRaise("bob", { token: "9007199254740990", holder: "0.1" });
      expect(await store.loadAndRaise("bob", { token: "9007199254740989", holder: "0.1" })).toEqual({
        refused: "9007199254740990",
      });
    });

    test("a higher token that didn't load can't write", async () => {
      const store = await makeStore();
      await store.loadAndRaise("alice", fence(5));
      expect(await store.write("alice", fence(6), incr(1))).toEqual({ refused: "5" });
    });

    test("a write to a session that was never loaded is refused", async () => {
      const store = await makeStore();
      expect(await store.write("alice", fence(5), incr(1))).toEqual({ refused: "5" });
      expect(await store.loadAndRaise("alice", fence(6))).toEqual({ session: FRESH });
    });

    test("a write that isn't the next one changes nothing", async () => {
      const store = await makeStore();
      await store.loadAndRaise("alice", fence(5));
      await store.write("alice", fence(5), incr(1));
      expect(await store.write("alice", fence(5), incr(1, "again"))).toBe("behind");
      expect(await store.write("alice", fence(5), incr(3))).toBe("behind");
      expect(await store.loadAndRaise("alice", fence(5))).toMatchObject({ session: { sequence: 1, keys: [] } });
    });

    test(`the newest ${KEPT} messages, changes and keys are kept`, async () => {
      const store = await makeStore();
      await store.loadAndRaise("alice", fence(5));
      for (let sequence = 1; sequence <= KEPT + 5; sequence += 1) {
        await store.write("alice", fence(5), incr(sequence, `key-${sequence}`));
      }
      for (let sequence = KEPT + 6; sequence <= 2 * KEPT + 12; sequence += 1) {
        await store.write("alice", fence(5), say(sequence, `text ${sequence}`));
      }
      const loaded = await store.loadAndRaise("alice", fence(5));
      if ("refused" in loaded) throw new Error("refused");
      const { messages, changes, keys, sequence } = loaded.session;
      expect([messages.length, changes.length, keys.length]).toEqual([KEPT, KEPT, KEPT]);
      expect(sequence).toBe(2 * KEPT + 12);
      expect([messages[0]?.sequence, changes[0]?.sequence, keys[0]?.sequence]).toEqual([KEPT + 13, KEPT + 13, 6]);
    });

    test("users don't share anything, whatever they are called", async () => {
      const store = await makeStore();
      const uids = ["a}b", "a/b", "a%7Db", "__proto__", "constructor", "a", "A", "ä"];
      for (const [index, uid] of uids.entries()) {
        await store.loadAndRaise(uid, fence(5 + index));
        await store.write(uid, fence(5 + index), say(1, uid));
      }
      for (const [index, uid] of uids.entries()) {
        expect(await store.loadAndRaise(uid, fence(5 + index))).toMatchObject({
          session: { messages: [{ text: uid }] },
        });
      }
    });

    test("of two writers that write at once one is refused or behind, whatever the order", async () => {
      const store = await makeStore();
      await store.loadAndRaise("alice", fence(5));
      const outcomes = await Promise.all([1, 2, 3].map((n) => store.write("alice", fence(5), incr(1, `key-${n}`))));
      expect(outcomes.map(String).toSorted((a, b) => a.localeCompare(b))).toEqual(["behind", "behind", "written"]);
      const [write, load] = await Promise.all([
        store.write("alice", fence(5), incr(2)),
        store.loadAndRaise("alice", fence(6, "1.1")),
      ]);
      const sequence = "session" in load ? load.session.sequence : undefined;
      expect([write, sequence]).toEqual(write === "written" ? ["written", 2] : [{ refused: "6" }, 1]);
    });

    test("what was loaded doesn't change with later writes", async () => {
      const store = await makeStore();
      const loaded = await store.loadAndRaise("alice", fence(5));
      await store.write("alice", fence(5), say(1, "later"));
      expect(loaded).toEqual({ session: FRESH });
    });
  });
}
