import fc from "fast-check";
import { propertyRuns } from "@podlink/testkit";
import { describe, expect, test } from "vitest";
import { closeCodeOf, closeReply, restartFrame } from "../src/close-frame.ts";
import { FrameTracker } from "../src/frame-tracker.ts";
import type { Frame } from "./support/ws-frames.ts";
import { frameOf } from "./support/ws-frames.ts";

const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000));
const dataFrame: fc.Arbitrary<Frame> = fc.record({
  kind: fc.constantFrom("continuation", "text", "binary"),
  bytes: sizes,
  fin: fc.boolean(),
  isCompressed: fc.boolean(),
});
const controlFrame: fc.Arbitrary<Frame> = fc.record({
  kind: fc.constantFrom("ping", "pong"),
  bytes: fc.integer({ min: 0, max: 125 }),
});
const frames = fc.array(fc.oneof(dataFrame, controlFrame), { maxLength: 12 });
const sender = fc.constantFrom("client" as const, "server" as const);

/** Cuts bytes into pieces at the shares given, and, from time to time, into single bytes. */
function pieces(bytes: Buffer, cuts: readonly number[], singly: boolean): Buffer[] {
  if (singly && bytes.byteLength < 2000) return Array.from(bytes, (byte) => Buffer.from([byte]));
  const ends = [...cuts.map((share) => Math.floor(share * bytes.byteLength)), bytes.byteLength].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const cutting = { cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 10 }), singly: fc.boolean() };

describe("the frames of a WebSocket", () => {
  test("are followed however they are cut: whole exactly where a frame ends, every data frame counted", () => {
    const property = fc.property(frames, sender, fc.record(cutting), (sent, from, { cuts, singly }) => {
      const encoded = sent.map((frame) => frameOf(frame, from));
      const ends = new Set<number>([0]);
      let length = 0;
      for (const one of encoded) ends.add((length += one.byteLength));
      const tracker = new FrameTracker(from);
      let at = 0;
      for (const piece of pieces(Buffer.concat(encoded), cuts, singly)) {
        expect(tracker.read(piece)).toBe(piece.byteLength);
        at += piece.byteLength;
        expect(tracker.isWhole).toBe(ends.has(at));
      }
      expect(tracker.dataFrames).toBe(sent.filter(({ kind }) => kind !== "ping" && kind !== "pong").length);
      expect([tracker.isReadable, tracker.hasClosed]).toEqual([true, false]);
    });
    fc.assert(property, propertyRuns("frames however cut", { numRuns: 200, seed: 1 }));
  });

  test("what lies before the close frame is told from it, however it is cut", () => {
    const property = fc.property(frames, sender, fc.record(cutting), (sent, from, { cuts, singly }) => {
      const before = Buffer.concat(sent.map((frame) => frameOf(frame, from)));
      const close = frameOf({ kind: "close", bytes: 2 }, from);
      const tracker = new FrameTracker(from);
      let passed = 0;
      for (const piece of pieces(Buffer.concat([before, close]), cuts, singly)) passed += tracker.read(piece);
      expect([passed, tracker.hasClosed, tracker.isWhole]).toEqual([before.byteLength, true, true]);
    });
    fc.assert(property, propertyRuns("close frame however cut", { numRuns: 200, seed: 1 }));
  });

  test("of 64-bit length are skipped without being kept", () => {
    const tracker = new FrameTracker("server");
    const length = 5_000_000_000;
    const header = Buffer.alloc(10);
    header.writeUInt16BE(0x827f);
    header.writeBigUInt64BE(BigInt(length), 2);
    tracker.read(header);
    const chunk = Buffer.alloc(1_000_000);
    for (let sent = 0; sent < length; sent += chunk.byteLength) {
      expect(tracker.isWhole).toBe(false);
      tracker.read(chunk);
    }
    expect(tracker.isWhole).toBe(true);
  });

  test.each([
    ["server", "a mask where there may be none", [0x82, 0x81]],
    ["client", "no mask where there must be one", [0x82, 0x01]],
    ["server", "an opcode that is none", [0x83]],
    ["server", "a reserved bit", [0xa2]],
    ["server", "a ping in parts", [0x09]],
    ["server", "a close frame in parts", [0x08]],
    ["server", "a ping that is too long", [0x89, 0x7e]],
    ["server", "a length beyond all numbers", [0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ] as const)("of a %s with %s: nothing is said of them any more", (from, _what, bytes) => {
    const tracker = new FrameTracker(from);
    tracker.read(Buffer.from(bytes));
    expect([tracker.isReadable, tracker.isWhole]).toEqual([false, false]);
    expect(tracker.read(frameOf({ kind: "close", bytes: 2 }, from)), "all of it passes").toBeGreaterThan(2);
  });
});

describe("a close frame", () => {
  test("says its code once it is all there", () => {
    const frame = restartFrame();
    for (let length = 0; length < frame.byteLength; length += 1)
      expect(closeCodeOf(frame.subarray(0, length))).toBeUndefined();
    expect(closeCodeOf(frame)).toBe(1012);
    expect(closeCodeOf(Buffer.from([0x88, 0]))).toBe("none");
    expect(closeCodeOf(Buffer.from([0x88, 0x82])), "masked: no server's").toBe("none");
  });

  test("is answered masked, as a client does", () => {
    const reply = closeReply(1012);
    expect([reply[0], reply[1]]).toEqual([0x88, 0x82]);
    const [a = 0, b = 0] = reply.subarray(6).map((byte, index) => byte ^ (reply[2 + index] ?? 0));
    expect((a << 8) | b).toBe(1012);
  });
});
