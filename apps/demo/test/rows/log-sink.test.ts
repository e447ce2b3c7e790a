import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultRow } from "@podlink/faults";
import { Supervisor } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import { expect } from "vitest";
import { uidsOf } from "../support/users.ts";
import { increment } from "./support/increment.ts";
import { pipedProgram } from "./support/own-processes.ts";

/** Writes into a pipe until not a byte more goes in. */
function fill(pipe: string): number {
  const fd = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  let bytes = 0;
  try {
    for (let size = 4096; size >= 1;) {
      try {
        bytes += writeSync(fd, Buffer.alloc(size, "."));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        size = size === 1 ? 0 : 1;
      }
    }
  } finally {
    closeSync(fd);
  }
  return bytes;
}

/** A signal is sent at once and taken when the process gets its turn: until then it may read once more. */
function standsStill(pid: number | undefined): boolean {
  return execFileSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" }).startsWith("T");
}

faultRow(
  68,
  "gateway and pod write to full pipes that nobody reads, at level debug, and every request is answered",
  async (row) => {
    await using redis = await startRedis();
    const server = row.server(redis);
    const folder = mkdtempSync(join(tmpdir(), "podlink-pipes-"));
    await using supervisor = row.supervisor(new Supervisor());
    try {
      const start = async (program: "gateway" | "stateful-server") => {
        const pipe = join(folder, program);
        execFileSync("/bin/sh", ["-c", `mkfifo "${pipe}"`]);
        const reader = await supervisor.start({ name: `${program}-log`, command: ["cat", pipe] });
        const { url, options } = await pipedProgram(program, { redis: redis.url, pipe });
        await supervisor.start(options);
        return { pipe, reader, url };
      };
      // One after the other: the gateway's first reading knows the pod, so that no user is told of a service that isn't there.
      const pod = await start("stateful-server");
      const gateway = await start("gateway");
      const uids = uidsOf(20);
      await Promise.all(uids.map((uid) => increment(gateway.url, uid, "before")));

      for (const { reader, pipe } of [pod, gateway]) {
        reader.pause();
        await expect.poll(() => standsStill(reader.pid), { timeout: 10_000 }).toBe(true);
        expect(fill(pipe)).toBeGreaterThan(0);
        expect(fill(pipe), "full, and nobody reads").toBe(0);
      }
      // What each of them logs: that its connections to Redis are gone, and back.
      for (let kills = 0; kills < 3; kills += 1) {
        await server.cli("CLIENT", "KILL", "TYPE", "normal");
        for (const uid of uids) {
          const answer = await row.request(() => increment(gateway.url, uid, `during-${kills}`, 10_000));
          expect(answer, uid).toMatchObject({ pod: 0, count: 2 + kills });
        }
      }
      for (const path of ["/health", "/s/room/pods"]) expect((await fetch(`${gateway.url}${path}`)).status).toBe(200);
      expect((await fetch(`${pod.url}/ready`)).status).toBe(200);
      for (const { pipe } of [pod, gateway]) expect(fill(pipe), "still full").toBe(0);
      expect([pod.reader.state, gateway.reader.state]).toEqual(["stopped", "stopped"]);

      for (const { reader } of [pod, gateway]) reader.resume();
      for (const { reader } of [pod, gateway]) await reader.says(/Redis does not answer/);
      row.saw(`${3 * uids.length} changes made while both logs stood still; the logs went on afterwards`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
