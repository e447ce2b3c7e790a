import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RedisServer } from "../../src/redis.ts";
import { makeCertificates, startRedis } from "../../src/redis.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "podlink-tls-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** What a client hears to a PING over TLS. */
async function ping({ host, port }: RedisServer, options: ConnectionOptions): Promise<string> {
  const socket = connect({ host, port, ...options });
  socket.write("PING\r\n");
  try {
    const [answer] = (await once(socket, "data")) as [Buffer];
    return answer.toString();
  } finally {
    socket.destroy();
  }
}

test("a server with TLS speaks it to who trusts its CA, and nothing else", async () => {
  const tls = makeCertificates(folder);
  await using server = await startRedis({ tls });
  expect(server.url).toBe(`rediss://127.0.0.1:${server.port}`);
  expect(await ping(server, { ca: readFileSync(tls.caFile) })).toBe("+PONG\r\n");
  await expect(ping(server, {})).rejects.toThrow("self-signed");
  const plain = connectPlain(server.port, server.host).on("error", () => undefined);
  let heard = "";
  plain.on("data", (chunk) => (heard += chunk.toString()));
  plain.write("PING\r\n");
  await new Promise((resolve) => plain.on("close", resolve));
  expect(heard).not.toContain("PONG");
  expect(await server.cli("PING")).toBe("PONG");
});

test("clients may have to show a certificate too", async () => {
  const tls = makeCertificates(folder);
  await using server = await startRedis({ tls: { ...tls, clientCertificates: true } });
  const ca = readFileSync(tls.caFile);
  await expect(ping(server, { ca })).rejects.toThrow("certificate required");
  const shown = { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
  expect(await ping(server, { ca, ...shown })).toBe("+PONG\r\n");
});

test.each([
  { fault: "has expired", options: { notAfter: new Date(Date.now() - 1000) }, code: "CERT_HAS_EXPIRED" },
  { fault: "is for another host", options: { names: ["other"], addresses: [] }, code: "ERR_TLS_CERT_ALTNAME_INVALID" },
])("a certificate can be made that $fault", async ({ options, code }) => {
  const tls = makeCertificates(folder, options);
  await using server = await startRedis({ tls });
  await expect(ping(server, { ca: readFileSync(tls.caFile) })).rejects.toMatchObject({ code });
});
