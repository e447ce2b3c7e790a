import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { expectNothingLeftOpen, fakeClock } from "../src/index.ts";

const planted: (() => void)[] = [];
afterEach(() => {
  for (const remove of planted.splice(0)) remove();
});

async function listen(): Promise<Server> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  planted.push(() => server.close());
  return server;
}

const SOON = { graceMs: 50 };

test("a body that closes what it opened passes, and its answer comes through", async () => {
  const answer = await expectNothingLeftOpen(async () => {
    const timer = setTimeout(() => undefined, 60_000);
    const ticking = setInterval(() => undefined, 60_000);
    const server = await listen();
    await new Promise((resolve) => setTimeout(resolve, 1));
    clearTimeout(timer);
    clearInterval(ticking);
    await new Promise((resolve) => server.close(resolve));
    return 42;
  });
  expect(answer).toBe(42);
});

test("a leaked timer is found, and where it was made", async () => {
  const work = expectNothingLeftOpen(() => {
    const timer = setTimeout(() => undefined, 60_000);
    planted.push(() => clearTimeout(timer));
  }, SOON);
  await expect(work).rejects.toThrow(/left open:\nTimeout, made\n.*expect-nothing-left-open\.test/);
});

test("a leaked timer is found even when it is unref'd or repeats", async () => {
  for (const start of [() => setTimeout(() => undefined, 60_000), () => setInterval(() => undefined, 60_000)]) {
    const work = expectNothingLeftOpen(() => {
      const timer = start().unref();
      planted.push(() => clearInterval(timer));
    }, SOON);
    await expect(work).rejects.toThrow("Timeout");
  }
});

test("a leaked server is found, unref'd too", async () => {
  await expect(expectNothingLeftOpen(listen, SOON)).rejects.toThrow("TCPSERVERWRAP");
  await expect(expectNothingLeftOpen(async () => (await listen()).unref(), SOON)).rejects.toThrow("TCPSERVERWRAP");
});

test("leaked sockets are found at both ends", async () => {
  const server = await listen();
  const { port } = server.address() as AddressInfo;
  const ends: Socket[] = [];
  server.on("connection", (socket) => ends.push(socket));
  planted.push(() => {
    for (const socket of ends) socket.destroy();
  });
  const work = expectNothingLeftOpen(async () => {
    const socket = connect(port, "127.0.0.1");
    ends.push(socket);
    await once(socket, "connect");
  }, SOON);
  await expect(work).rejects.toThrow("TCPWRAP");
});

test("what closes within the grace passes, what takes longer doesn't", async () => {
  const closingIn = (ms: number) => () => void setTimeout(() => undefined, ms);
  await expectNothingLeftOpen(closingIn(20), { graceMs: 1000 });
  await expect(expectNothingLeftOpen(closingIn(300), { graceMs: 20 })).rejects.toThrow("Timeout");
});

test("what is made elsewhere meanwhile doesn't count", async () => {
  const elsewhere = async () => {
    const timer = setTimeout(() => undefined, 60_000);
    planted.push(() => clearTimeout(timer));
  };
  const watched = expectNothingLeftOpen(() => new Promise((resolve) => setTimeout(resolve, 10)), SOON);
  await Promise.all([watched, elsewhere()]);
});

test("what is ignored may stay", async () => {
  const options = { ...SOON, ignore: ({ kind }: { readonly kind: string }) => kind === "TCPSERVERWRAP" };
  await expectNothingLeftOpen(async () => void (await listen()), options);
});

test("timers of a fake clock count, those set before don't", async () => {
  const clock = fakeClock();
  clock.setTimer(1000, () => undefined);
  await expectNothingLeftOpen(() => clock.setTimer(1000, () => undefined).cancel(), { ...SOON, clock });
  const leaking = expectNothingLeftOpen(() => void clock.setTimer(1000, () => undefined), { ...SOON, clock });
  await expect(leaking).rejects.toThrow("1 timers of the fake clock");
});

test("what the body throws comes through", async () => {
  const failing = expectNothingLeftOpen(async () => {
    throw new Error("from the body");
  }, SOON);
  await expect(failing).rejects.toThrow("from the body");
});
