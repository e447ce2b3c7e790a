import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ControlConnection } from "../../src/redis/control-connection.ts";

/** A server that says OK to every command, for as long as it reads. */
let connections: Socket[];
let folder: string;
let server: ReturnType<typeof createServer>;
let connection: ControlConnection;

beforeEach(async () => {
  connections = [];
  folder = mkdtempSync(join(tmpdir(), "podlink-"));
  server = createServer((socket) => {
    connections.push(socket);
    // A command is an array of texts: each begins with its length.
    socket.on("data", (data) => socket.write("+OK\r\n".repeat(data.toString().split("*").length - 1)));
    socket.on("error", () => undefined);
  }).listen(join(folder, "socket"));
  await once(server, "listening");
  connection = new ControlConnection(join(folder, "socket"));
});
afterEach(() => {
  connection.close();
  for (const socket of connections) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

/** Closes what it has read of; what is sent from now on stays unread. */
function closeUnread(): () => void {
  const [socket] = connections;
  socket?.pause();
  return () => void socket?.destroy();
}

test("a command that the server closed without having read is said again, over another connection", async () => {
  expect(await connection.send(["FIRST"])).toBe("OK");
  const close = closeUnread();
  const said = connection.send(["SECOND"]);
  close();
  expect(await said).toBe("OK");
  expect(connections).toHaveLength(2);
});

test("none of several is: all but the last may have been read", async () => {
  expect(await connection.send(["FIRST"])).toBe("OK");
  const close = closeUnread();
  const said = Promise.allSettled([connection.send(["SECOND"]), connection.send(["THIRD"])]);
  close();
  expect((await said).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});
