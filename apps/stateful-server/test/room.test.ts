import { describe, expect, test } from "vitest";
import { FenceRefused } from "@podlink/sessions";
import { changeRequest } from "../src/change-request.ts";
import { MemorySessionStore } from "../src/memory-session-store.ts";
import { changesAfter, Room } from "../src/room.ts";
import type { Change, SessionStore } from "../src/session-store.ts";
import { applyWrite, FRESH, KEPT } from "../src/session-store.ts";

const fence = { token: "5", holder: "0.1" };
const limits = { maxTextLength: 20 };
const incr = (key?: string) => changeRequest("incr", { body: undefined, key }, limits);
const say = (text: string, key?: string) => changeRequest("say", { body: { text }, key }, limits);

async function roomOver(store: SessionStore): Promise<{ room: Room; pushed: Change[] }> {
  const pushed: Change[] = [];
  const room = await Room.load("alice", { fence }, { store, push: (changes) => void pushed.push(...changes) });
  return { room, pushed };
}

describe("a change", () => {
  test("is written before it is told and answered", async () => {
    const store = new MemorySessionStore();
    const { room, pushed } = await roomOver(store);
    expect(await room.change(incr(), fence)).toEqual({ sequence: 1, count: 1 });
    expect(await room.change(say("hi"), fence)).toEqual({ sequence: 2, count: 1 });
    expect(pushed).toEqual([
      { sequence: 1, kind: "incr", count: 1 },
      { sequence: 2, kind: "say", count: 1, text: "hi" },
    ]);
    expect(await store.loadAndRaise("alice", fence)).toEqual({ session: await room.read(fence) });
  });

  test("with a key that was used answers as then and changes nothing, in a later period too", async () => {
    const store = new MemorySessionStore();
    const { room, pushed } = await roomOver(store);
    await room.change(incr("k1"), fence);
    await room.change(incr("k2"), fence);
    expect(await room.change(incr("k1"), fence)).toEqual({ sequence: 1, count: 1, repeated: true });
    const later = { token: "8", holder: "1.4" };
    const moved = await Room.load("alice", { fence: later }, { store, push: () => undefined });
    expect(await moved.change(incr("k2"), later)).toEqual({ sequence: 2, count: 2, repeated: true });
    expect(await moved.change(incr("k3"), later)).toEqual({ sequence: 3, count: 3 });
    expect(pushed).toHaveLength(2);
  });

  test("with a key that was used for another request is refused", async () => {
    const { room } = await roomOver(new MemorySessionStore());
    await room.change(say("hi", "k1"), fence);
    expect(await room.change(say("hi", "k1"), fence)).toMatchObject({ repeated: true });
    await expect(room.change(say("ho", "k1"), fence)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(room.change(incr("k1"), fence)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("refused by the fence says by which token, and tells nobody", async () => {
    const store = new MemorySessionStore();
    const { room, pushed } = await roomOver(store);
    await store.loadAndRaise("alice", { token: "70", holder: "1.1" });
    const refused = await room.change(incr(), fence).catch((error: unknown) => error);
    expect(FenceRefused.is(refused) && refused.token).toBe("70");
    await expect(room.read(fence)).rejects.toThrow(FenceRefused);
    expect(pushed).toEqual([]);
  });

  test("whose answer was lost is found again: a repeat of its key counts once, and everybody hears of it", async () => {
    const store = new MemorySessionStore();
    let lose = true;
    const losing: SessionStore = {
      loadAndRaise: (uid, at) => store.loadAndRaise(uid, at),
      write: async (uid, at, write) => {
        const outcome = await store.write(uid, at, write);
        if (lose) throw new Error("the answer was lost");
        return outcome;
      },
    };
    const { room, pushed } = await roomOver(losing);
    await expect(room.change(incr("k1"), fence)).rejects.toThrow("lost");
    expect(pushed).toEqual([]);
    lose = false;
    expect(await room.change(incr("k1"), fence)).toEqual({ sequence: 1, count: 1, repeated: true });
    expect(await room.change(incr("k2"), fence)).toEqual({ sequence: 2, count: 2 });
    expect(pushed.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  test("whose write lands late is neither lost nor counted twice", async () => {
    const store = new MemorySessionStore();
    let late: (() => Promise<unknown>) | undefined;
    let first = true;
    const slow: SessionStore = {
      loadAndRaise: (uid, at) => store.loadAndRaise(uid, at),
      write: async (uid, at, write) => {
        if (first) {
          first = false;
          late = () => store.write(uid, at, write);
          throw new Error("no answer yet");
        }
        await late?.(); // the first lands just before the second
        late = undefined;
        return store.write(uid, at, write);
      },
    };
    const { room } = await roomOver(slow);
    await expect(room.change(incr("k1"), fence)).rejects.toThrow("no answer yet");
    expect(await room.change(incr("k2"), fence)).toEqual({ sequence: 2, count: 2 });
    expect(await room.change(incr("k1"), fence)).toEqual({ sequence: 1, count: 1, repeated: true });
  });

  test("that is always behind gives up", async () => {
    const store: SessionStore = {
      loadAndRaise: async () => ({ session: FRESH }),
      write: async () => "behind",
    };
    const { room } = await roomOver(store);
    await expect(room.change(incr(), fence)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});

describe("the rest for somebody who comes back", () => {
  const kept = Array.from({ length: KEPT + 20 }, (_, index) => index + 1).reduce(
    (session, sequence) => applyWrite(session, { change: { sequence, kind: "incr", count: sequence } }),
    FRESH,
  );

  test.each([
    [KEPT + 20, 0, undefined],
    [KEPT + 19, 1, undefined],
    [20, KEPT, undefined],
    [19, KEPT, 21],
    [0, KEPT, 21],
    [KEPT + 21, 0, KEPT + 21],
  ])("who saw %i last gets %i changes, gap until %s", (last, count, gapUntil) => {
    const rest = changesAfter(kept, last);
    expect(rest.changes).toHaveLength(count);
    expect(rest.gapUntil).toBe(gapUntil);
  });

  test("of a fresh room is nothing", () => {
    expect(changesAfter(FRESH, 0)).toEqual({ changes: [] });
    expect(changesAfter(FRESH, 3)).toEqual({ changes: [], gapUntil: 1 });
  });
});

describe("what a change may be", () => {
  test.each([
    ["no object", undefined],
    ["a list", []],
    ["no text", {}],
    ["no string", { text: 5 }],
    ["empty", { text: "" }],
    ["too long", { text: "x".repeat(21) }],
    ["a lone surrogate", { text: "a\ud800" }],
    ["another field", { text: "a", to: "bob" }],
  ])("a text is refused: %s", (_, body) => {
    expect(() => changeRequest("say", { body, key: undefined }, limits)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  test.each(["", "a b", "ä", "x".repeat(129), 5, "\n"])("a key is refused: %j", (key) => {
    expect(() => changeRequest("incr", { body: undefined, key }, limits)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining("Idempotency-Key") }),
    );
  });

  test("an increment takes no fields", () => {
    expect(changeRequest("incr", { body: {}, key: "k" }, limits)).toEqual({
      kind: "incr",
      key: "k",
      fingerprint: "incr",
    });
    expect(() => changeRequest("incr", { body: { by: 2 }, key: undefined }, limits)).toThrow("by");
  });
});
