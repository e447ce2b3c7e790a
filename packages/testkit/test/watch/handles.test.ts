import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { OpenCounts } from "../../src/index.ts";
import { activeResources, fakeClock, HandleWatcher, openFilesOf, resourcesFromNow } from "../../src/index.ts";
import { found } from "./links.ts";

test("a server that stays open is found by its type, one that is closed in time is not", async () => {
  const { violations, onViolation } = found();
  const handles = new HandleWatcher({
    onViolation,
    read: () => ({ servers: activeResources()["TCPServerWrap"] ?? 0 }),
  });
  await handles.mark("start");
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  await handles.noMore("start", { withinMs: 20 });
  expect(violations).toMatchObject([{ invariant: "handles", evidence: { more: ["servers"] } }]);
  expect(violations[0]?.message).toMatch(/^more is open at .* than at "start" .*: servers \d+ then, \d+ now$/);
  setTimeout(() => server.close(), 30);
  await handles.noMore("start");
  expect(violations).toHaveLength(1);
});

test("each type is held for itself: more of one is not made up by less of another, and fewer are none", async () => {
  const counts = fc.dictionary(fc.constantFrom("socket", "timer", "file"), fc.integer({ min: 1, max: 5 }));
  await fc.assert(
    fc.asyncProperty(counts, counts, async (before, after) => {
      const { violations, onViolation } = found();
      const clock = fakeClock();
      let open: OpenCounts = before;
      const handles = new HandleWatcher({ onViolation, clock, read: () => open });
      await handles.mark("start");
      open = after;
      const looked = handles.noMore("start", { ignore: ["file"] });
      await clock.advance(1000);
      await looked;
      const more = ["socket", "timer"].filter((type) => (after[type] ?? 0) > (before[type] ?? 0));
      expect(violations).toHaveLength(more.length > 0 ? 1 : 0);
    }),
    { numRuns: 100 },
  );
});

test("counting from now on sees what doesn't keep the process running, too, and only what is opened after", async () => {
  const listening = () => createServer().listen(0, "127.0.0.1").unref();
  const before = listening();
  await once(before, "listening");
  const counted = resourcesFromNow();
  const opened = listening();
  await once(opened, "listening");
  expect(counted.read()).toMatchObject({ TCPSERVERWRAP: 1 });
  await Promise.all([before, opened].map((server) => new Promise((resolve) => server.close(resolve))));
  while (counted.read()["TCPSERVERWRAP"] !== undefined) await new Promise((resolve) => setImmediate(resolve));
  counted.close();
  expect(counted.read()).toEqual({});
});

test.skipIf(process.platform !== "linux")("what another process has open is counted by type", async () => {
  const child = spawn(process.execPath, ["-e", 'require("net").createServer().listen(0, () => console.log("up"))']);
  try {
    await once(child.stdout, "data");
    const open = await openFilesOf(child.pid as number);
    expect(open["socket"]).toBeGreaterThan(0);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await expect(openFilesOf(child.pid as number)).rejects.toThrow("ENOENT");
});
