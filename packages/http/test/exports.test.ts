import { expect, test } from "vitest";
import * as http from "@podlink/http";

test("the package exports these names and no others", () => {
  expect(Object.keys(http).sort()).toEqual([
    "STATUS_OF",
    "WIRE",
    "WIRE_PREFIX",
    "answerSocket",
    "callPod",
    "contextOf",
    "continueWhenRead",
    "createGuard",
    "createLimitedServer",
    "createProxy",
    "decodeLink",
    "decodeRoute",
    "encodeLink",
    "encodeRoute",
    "errorAnswer",
    "proxyLimits",
    "sendError",
    "serverLimits",
  ]);
});
