import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates, startRedis } from "@podlink/testkit/redis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RedisExecutor } from "../../src/index.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "podlink-tls-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const op = {
  kind: "setIfAbsent",
  namespace: "test",
  service: "room",
  uid: "alice",
  owner: { podIndex: 0 },
  lifetime: { ttlMs: 60_000 },
} as const;

test("rediss:// works with a server whose CA is trusted", async () => {
  const tls = makeCertificates(folder);
  await using server = await startRedis({ tls });
  await using executor = new RedisExecutor({ url: server.url, tls: { ca: readFileSync(tls.caFile) } });
  expect(await executor.execute(op, { timeoutMs: 3000 })).toMatchObject({ created: true, link: { podIndex: 0 } });
});

test.each([
  { fault: "has expired", certificate: { notAfter: new Date(Date.now() - 1000) }, isTrusted: true },
  { fault: "is for another host", certificate: { names: ["other"], addresses: [] }, isTrusted: true },
  { fault: "is of an unknown CA", certificate: {}, isTrusted: false },
])("fault row 34: a certificate that $fault is an error in time, and nothing is sent in the clear", async (given) => {
  const tls = makeCertificates(folder, given.certificate);
  await using server = await startRedis({ tls });
  const trust = given.isTrusted ? { tls: { ca: readFileSync(tls.caFile) } } : {};
  await using executor = new RedisExecutor({ url: server.url, ...trust });
  await expect(executor.execute(op, { timeoutMs: 3000 })).rejects.toMatchObject({ outcome: "not-applied" });
  expect(executor.health()).toMatchObject({ healthy: false });
  expect(await server.cli("DBSIZE")).toBe(0);
});
