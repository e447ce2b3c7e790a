// What a worker begins with: its runner does the work afterwards.
import { scripts } from "@podlink/lua";
import { expect, test } from "vitest";

test("the scripts are there", () => expect(Object.keys(scripts)).not.toEqual([]));
