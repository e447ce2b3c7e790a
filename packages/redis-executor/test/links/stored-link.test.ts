import { MAX_POD_INDEX, TOKEN_LIMIT } from "@podlink/types";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseStoredLink } from "../../src/links/stored-link.ts";

const RECORD = /^1\|([0-9a-z]+)\|([0-9a-z]+)\|([0-9a-z]+)\|([0-9a-z]+)\|([orRg])\|([0-9a-z]{1,10})\|([ctsmg])(?:$|\|)/;

const rarely = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: odd });
const odd = fc.string({ unit: fc.constantFrom("|", "0", "z", "A", "\n", "-", ".", " ", "é"), maxLength: 3 });
/** What every object has. */
const inherited = fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype));
const number = (max: number): fc.Arbitrary<string> =>
  rarely(
    fc.integer({ min: 0, max }).map((value) => value.toString(36)),
    fc.oneof(odd, fc.constantFrom("zzzzzzzzzzzz", "1000000000000000000", "00a", (2 ** 53).toString(36))),
  );
const record = fc
  .tuple(
    rarely(fc.constant("1"), fc.oneof(odd, fc.constantFrom("2", "0", "01", "12"))),
    number(MAX_POD_INDEX + 9),
    rarely(fc.constant("0"), number(99)),
    number(Number.MAX_SAFE_INTEGER),
    number(Number.MAX_SAFE_INTEGER),
    rarely(fc.constantFrom("o", "r", "R", "g"), fc.oneof(odd, inherited)),
    rarely(fc.string({ unit: fc.constantFrom("a", "z", "0", "9"), minLength: 1, maxLength: 10 }), odd),
    rarely(fc.constantFrom("c", "t", "s", "m", "g"), fc.oneof(odd, inherited)),
    fc.constantFrom([], [""], ["later", "parts"]),
  )
  .map(([...parts]) => parts.flat().join("|"));

test("a stored value is read as the pattern of the format says, whatever it holds", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(record, (value) => {
      const read = parseStoredLink(value);
      const parts = RECORD.exec(value);
      if (parts === null) {
        expect(read).toBe(/^0*(?:[2-9]|1[0-9]|[2-9][0-9])[0-9]*\|/.test(value) ? "newer" : "broken");
        seen.add(read === "newer" ? "newer" : "broken");
        return;
      }
      const [podIndex, incarnation, token, expiresAtMs] = parts
        .slice(1, 5)
        .map((part) => Number.parseInt(part, 36)) as [number, number, number, number];
      const isOwned = parts[5] === "o";
      const fits = podIndex <= MAX_POD_INDEX && incarnation < TOKEN_LIMIT && token < TOKEN_LIMIT;
      if (!fits || expiresAtMs > 2 * TOKEN_LIMIT || (parts[5] !== "g" && isOwned !== incarnation > 0)) {
        expect(read).toBe("broken");
        return;
      }
      seen.add("read");
      expect(read).toEqual({
        podIndex,
        incarnation: incarnation || undefined,
        token,
        kind: { o: "owned", r: "reservation", R: "reservation", g: "goodbye" }[parts[5] as "o"],
        persistent: isOwned || parts[5] === "R",
        expiresAtMs,
        opKind: parts[7],
      });
    }),
    { numRuns: 5000 },
  );
  expect([...seen].toSorted()).toEqual(["broken", "newer", "read"]);
});
