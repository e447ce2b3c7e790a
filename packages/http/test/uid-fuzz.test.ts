import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkUid } from "@podlink/types";
import type { World } from "./support/world.ts";
import { errorOf, world } from "./support/world.ts";

let there: World;
beforeAll(async () => {
  there = await world({ handler: () => (req, res) => res.end(JSON.stringify(req.headers)), pods: 1 });
});
afterAll(() => there.close());

test("whatever the uid is, the pod gets it whole, in one header, or the request is refused", async () => {
  const special = fc.constantFrom(
    "\r\n",
    "\n",
    "\0",
    "%0d%0a",
    ": ",
    "podlink-uid: x",
    "/",
    "?",
    "#",
    "..",
    "é",
    "\u{1f600}",
    "}",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", minLength: 1 }),
    fc.array(special, { minLength: 1 }).map((all) => all.join("")),
  );
  await fc.assert(
    fc.asyncProperty(text, async (uid) => {
      if (/\p{Surrogate}/u.test(uid)) return; // no client can put that into a URL
      const response = await fetch(there.url(`/u/${encodeURIComponent(uid)}/x`));
      if (isUid(uid)) {
        const headers = (await response.json()) as Record<string, string>;
        expect(decodeURIComponent(headers["podlink-uid"] ?? "")).toBe(uid);
        expect(there.pods[0]?.pod.entered.at(-1)?.uid).toBe(uid);
      } else if (uid !== "." && uid !== "..") {
        // Those two never get this far: clients take them for the path's own.
        expect(response.status).toBe(400);
        expect((await errorOf(response)).code).toBe("INVALID_ARGUMENT");
      }
    }),
    { numRuns: 60 },
  );
});

function isUid(text: string): boolean {
  try {
    return checkUid(text) === text;
  } catch {
    return false;
  }
}
