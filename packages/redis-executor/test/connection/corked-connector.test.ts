import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { cork, hurry } from "../../src/connection/corked-connector.ts";

async function pair(): Promise<{ stream: Socket; written: string[]; received: () => string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  let received = "";
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => (received += data.toString()));
  });
  const plain = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(plain, "connect");
  const written: string[] = [];
  const write: (data: string | Buffer) => boolean = plain.write.bind(plain);
  const spied = Object.assign(plain, {
    write: (data: string | Buffer) => {
      written.push(data.toString());
      return write(data);
    },
  });
  onTestFinished(() => void plain.destroy());
  return { stream: cork(spied), written, received: () => received };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("small commands of one turn leave as one packet, in their order", async () => {
  const { stream, written } = await pair();
  for (const command of ["a", "b", "c"]) stream.write(command);
  expect(written).toEqual([]);
  await turn();
  expect(written).toEqual(["abc"]);
  stream.write("d");
  await turn();
  expect(written).toEqual(["abc", "d"]);
});

test("what is in a hurry leaves at once, with what waited before it; what comes after it waits again", async () => {
  const { stream, written } = await pair();
  stream.write("a");
  hurry(stream);
  stream.write("b");
  stream.write("c");
  expect(written).toEqual(["ab"]);
  await turn();
  expect(written).toEqual(["ab", "c"]);
});

test("nothing is in a hurry where nothing waits", () => {
  expect(() => hurry({})).not.toThrow();
});

test("a full batch leaves at once, with what waited before it", async () => {
  const { stream, written } = await pair();
  stream.write("small");
  stream.write("B".repeat(5000));
  expect(written).toEqual([`small${"B".repeat(5000)}`]);
  await turn();
  expect(written).toHaveLength(1);
});

test("each of a turn's batches leaves by itself, as soon as it is made", async () => {
  const { stream, written } = await pair();
  stream.write("A".repeat(1024));
  stream.write("B".repeat(1024));
  expect(written.map(({ length }) => length)).toEqual([1024, 1024]);
  await turn();
  expect(written).toHaveLength(2);
});

test("small commands that fill a packet leave before the turn ends", async () => {
  const { stream, written } = await pair();
  for (let count = 0; count < 5; count += 1) stream.write("s".repeat(512));
  expect(written.map(({ length }) => length)).toEqual([2048]);
  await turn();
  expect(written.map(({ length }) => length)).toEqual([2048, 512]);
});

test("bytes keep their place among text", async () => {
  const { stream, written } = await pair();
  stream.write("a");
  stream.write(Buffer.from("b"));
  stream.write("c");
  await turn();
  expect(written).toEqual(["a", "b", "c"]);
});

test("what waits when the stream ends is still sent", async () => {
  const { stream, received } = await pair();
  stream.write("last words");
  stream.end();
  await once(stream, "close");
  await turn();
  expect(received()).toBe("last words");
});

test("what waits when the stream breaks harms nobody", async () => {
  const { stream, written } = await pair();
  stream.write("lost");
  stream.destroy();
  await turn();
  expect(written).toEqual([]);
});
