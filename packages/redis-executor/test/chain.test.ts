import { expect, test } from "vitest";
import { Chain, Chained } from "../src/chain.ts";

class Member extends Chained {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

function chainOf(names: string) {
  const chain = new Chain<Member>();
  const members = Object.fromEntries(names.split("").map((name) => [name, new Member(name)])) as Record<string, Member>;
  for (const member of Object.values(members)) chain.add(member);
  const read = (): string =>
    chain
      .toArray()
      .map(({ name }) => name)
      .join("");
  return { chain, members, read };
}

test.each([
  ["the first", "a", "bcd"],
  ["one between others", "b", "acd"],
  ["the last", "d", "abc"],
])("the others keep their order when %s leaves", (_, gone, left) => {
  const { chain, members, read } = chainOf("abcd");
  chain.delete(members[gone]!);
  expect([read(), chain.size]).toEqual([left, 3]);
  chain.delete(members[gone]!);
  expect([read(), chain.size], "a second time changes nothing").toEqual([left, 3]);
  chain.add(members[gone]!);
  expect([read(), chain.size], "who comes back is the last").toEqual([left + gone, 4]);
});

test("who comes and goes alone leaves it empty", () => {
  const { chain, members, read } = chainOf("a");
  chain.delete(members["a"]!);
  expect([read(), chain.size]).toEqual(["", 0]);
  chain.add(members["a"]!);
  expect([read(), chain.size]).toEqual(["a", 1]);
});

test("who has left points at nobody", () => {
  const { chain, members } = chainOf("abc");
  chain.delete(members["b"]!);
  expect(members["b"]).toMatchObject({ before: undefined, after: undefined });
});
