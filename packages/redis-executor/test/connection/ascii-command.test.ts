import { Command } from "ioredis";
import { expect, test } from "vitest";
import { asciiCommand } from "../../src/connection/ascii-command.ts";

const writtenByIoredis = (name: string, args: readonly string[]): unknown =>
  new Command(name, [...args]).toWritable({});

test.each([
  ["no argument", []],
  ["an empty one", [""]],
  ["several", ["f".repeat(40), "2", "pl:{prod/12}alice", "a\r\nb", " ", "\0"]],
  ["as long as the longest head that is kept, and longer", ["a".repeat(511), "b".repeat(512), "c".repeat(70_000)]],
  ["what was put together of parts", [["pl:{prod/12}", "x".repeat(20)].reduce((head, uid) => head + uid)]],
])("ASCII is written as ioredis does: %s", (_, args) => {
  expect(asciiCommand("evalsha", args)).toBe(writtenByIoredis("evalsha", args));
});

test.each(["é", "\u0080", "漢字", "😀", "\uD83D", `${"a".repeat(600)}ü`])("what is not ASCII is not: %j", (odd) => {
  expect(asciiCommand("set", ["key", odd, "value"])).toBeUndefined();
});
