import { RouteError } from "podlink";
import type { Demo } from "./demo.ts";
import { startDemo } from "./demo.ts";
import { parseDemoOptions } from "./options.ts";

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function describe({ gateway, rooms }: Demo): void {
  const at = `http://localhost:${gateway.port}`;
  print(`podlink demo: one gateway and ${rooms.length} pods of the service "room", in this process, on the embedded store.

  gateway  ${at}
${rooms.map((room) => `  room-${room.pod.podIndex}   ${room.url}`).join("\n")}

Try, in another terminal:

  curl -X POST ${at}/s/room/u/alice/incr
  curl -X POST ${at}/s/room/u/alice/say -H 'content-type: application/json' -d '{"text":"hello"}'
  curl ${at}/s/room/u/alice/state
  curl ${at}/s/room/pods
  curl ${at}/health

A WebSocket on ws://localhost:${gateway.port}/s/room/u/alice/live sees every change. Ctrl-C drains and ends.`);
}

function endOnSignal(demo: Demo): void {
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) print("\nDraining; Ctrl-C again hurries.");
    const stopped = demo.stop();
    if (signals > 1) return;
    stopped.then(
      () => print("Ended."),
      (error: unknown) => fail(error),
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}

function fail(error: unknown): void {
  const { message } = RouteError.from(error);
  process.stderr.write(`podlink demo: ${message}\n`);
  process.exitCode = 1;
}

try {
  const demo = await startDemo(parseDemoOptions({ port: process.env["PORT"], pods: process.env["PODS"] }));
  endOnSignal(demo);
  describe(demo);
} catch (error) {
  fail(error);
}
