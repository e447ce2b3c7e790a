import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Reply } from "../../src/redis/reply.ts";
import { RedisReplyError, ReplyReader, encodeCommand } from "../../src/redis/reply.ts";

const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n]/g, ""));
const anyReply = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.constant(undefined),
    line.map((message) => new RedisReplyError(message)),
    fc.array(tie("reply"), { maxLength: 5 }),
  ),
})).reply;

function encode(reply: Reply): string {
  if (reply === undefined) return "$-1\r\n";
  if (typeof reply === "number") return `:${reply}\r\n`;
  if (typeof reply === "string") return `$${Buffer.byteLength(reply)}\r\n${reply}\r\n`;
  if (reply instanceof RedisReplyError) return `-${reply.message}\r\n`;
  return `*${reply.length}\r\n${reply.map(encode).join("")}`;
}

describe("replies of Redis", () => {
  test("are the same however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(anyReply), fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (replies, sizes) => {
        const bytes = Buffer.from(replies.map(encode).join(""));
        const reader = new ReplyReader();
        const read: Reply[] = [];
        for (let at = 0; at < bytes.length;) {
          const { value: size } = sizes.next() as { value: number };
          read.push(...reader.read(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(read).toEqual(replies);
      }),
    );
  });

  test("may be simple strings and absent arrays", () => {
    expect(new ReplyReader().read(Buffer.from("+OK\r\n*-1\r\n"))).toEqual(["OK", undefined]);
  });

  test("are nothing else", () => {
    expect(() => new ReplyReader().read(Buffer.from("HTTP/1.1 400\r\n"))).toThrow("Not a reply of Redis");
  });
});

test("a command's lengths count bytes", () => {
  expect(encodeCommand(["SET", "ключ", 12])).toBe("*3\r\n$3\r\nSET\r\n$8\r\nключ\r\n$2\r\n12\r\n");
});
