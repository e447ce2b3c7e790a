import { expect, test } from "vitest";
import type { LoadOptions, LoadReport } from "../../src/load.ts";
import { outcomeOf, startLoad } from "../../src/load.ts";
import { nobody, posting, startService, WHEN_ANSWERED } from "./support/service.ts";

/** One request; how it ended. */
async function one(url: string, options: Partial<LoadOptions> = {}): Promise<LoadReport> {
  await using load = await startLoad({ ...posting, url, requests: 1, ...options });
  await load.allDue;
  return await load.end(WHEN_ANSWERED);
}

const ended = ({ figures }: LoadReport): string[] =>
  (["acknowledged", "refused", "unknown", "failed"] as const).filter((name) => figures[name] === 1);

const error = (outcome?: string): string => JSON.stringify({ error: { code: "POD_UNAVAILABLE", outcome } });

test.each([
  [200, {}, "", "acknowledged"],
  [204, {}, "", "acknowledged"],
  [421, {}, "", "refused"],
  [429, {}, "", "refused"],
  [503, { "retry-after": "1" }, "", "refused"],
  [503, {}, error("not-applied"), "refused"],
  [502, { "retry-after": "1" }, error("not-applied"), "refused"],
  [503, { "retry-after": "1" }, error("unknown"), "unknown"],
  [503, {}, "", "unknown"],
  [502, { "retry-after": "1" }, error("unknown"), "unknown"],
  [500, {}, error(), "unknown"],
  [504, {}, "", "unknown"],
  [400, {}, error("not-applied"), "failed"],
  [404, {}, "", "failed"],
  [302, { location: "/" }, "", "failed"],
] as const)("an answer %i %j %s is %s", async (status, headers, body, expected) => {
  const { url } = await startService({ answer: (_, res) => void res.writeHead(status, headers).end(body) });
  const report = await one(url);
  expect(ended(report)).toEqual([expected]);
});

test("a connection that is refused is a proof that nothing was sent", async () => {
  const report = await one(await nobody());
  expect(ended(report)).toEqual(["refused"]);
  expect(report.reasons).toEqual({ "ECONNREFUSED before sending": 1 });
});

test("a connection that breaks once the request is sent leaves it unknown, also in the middle of a 200", async () => {
  const broken = await startService({ answer: (_, res) => void res.destroy() });
  const report = await one(broken.url);
  expect(ended(report)).toEqual(["unknown"]);
  expect(report.reasons).toEqual({ "UND_ERR_SOCKET after sending": 1 });
  const half = await startService({
    answer: (_, res) => {
      res.writeHead(200, { "content-length": "10" });
      res.write("half", () => res.destroy());
    },
  });
  expect(ended(await one(half.url))).toEqual(["unknown"]);
});

test("an answer that does not come within timeoutMs leaves it unknown", async () => {
  const { url } = await startService({ answer: () => undefined });
  const report = await one(url, { timeoutMs: 50 });
  expect(ended(report)).toEqual(["unknown"]);
  expect(report.reasons).toEqual({ "timeout after sending": 1 });
  expect(report.figures.givenUpAfter?.maxMs).toBeGreaterThanOrEqual(50);
});

test("a change that may have been carried out is in doubt, others are not", async () => {
  const doubtful = async (status: number, method = "POST"): Promise<number | undefined> => {
    const { url } = await startService({ answer: (_, res) => void res.writeHead(status).end() });
    return (await one(url, { request: () => ({ method, path: "/" }) })).users.doubtful;
  };
  expect(await doubtful(500)).toBe(1);
  expect(await doubtful(200)).toBe(0);
  expect(await doubtful(421)).toBe(0);
  expect(await doubtful(400)).toBe(0);
  expect(await doubtful(500, "GET")).toBe(0);
});

test("an acknowledgement that its reader does not accept is a failure with its reason, and the change is in doubt", async () => {
  const { url } = await startService({ answer: (_, res) => void res.end("surprise") });
  const report = await one(url, {
    read: () => {
      throw new Error("no counter in it");
    },
  });
  expect(ended(report)).toEqual(["failed"]);
  expect(report.failures).toEqual(["POST /user-0/0: 200: no counter in it surprise"]);
  expect(report.users.doubtful).toBe(1);
});

const throwing = (): never => {
  throw new Error("not this one");
};

test.each([
  ["whose maker throws", throwing, /request\("user-0", 0\): not this one/],
  ["without a path", () => ({ method: "GET" }) as never, /path must be text after "\/"/],
  ["with a header that is none", () => ({ method: "GET", path: "/", headers: { "a b": "c" } }), /UND_ERR_INVALID_ARG/],
])("a request %s is a failure of the load", async (_, request, message) => {
  const { url } = await startService({ answer: (_req, res) => void res.end() });
  const report = await one(url, { request });
  expect(ended(report)).toEqual(["failed"]);
  expect(report.failures[0]).toMatch(message);
});

test("a classifier of one's own decides, and may leave the rest to the default", async () => {
  const { url } = await startService({ answer: (_, res) => void res.writeHead(409).end() });
  const classify: LoadOptions["classify"] = (end) =>
    end.kind === "answer" && end.status === 409 ? "acknowledged" : outcomeOf(end);
  expect(ended(await one(url, { classify }))).toEqual(["acknowledged"]);
  expect(ended(await one(await nobody(), { classify }))).toEqual(["refused"]);
  const wrong = await one(url, { classify: () => "fine" as never });
  expect(wrong.failures[0]).toContain("the outcome of classify must be acknowledged, refused, unknown, failed");
});
