import { DEFAULTS } from "@podlink/types";
import type { Demo } from "./demo.ts";
import type { ProcessDemo } from "./process-demo.ts";

/** What the embedded demo says once it runs. */
export function describeDemo({ gateway, rooms }: Demo): string {
  const at = `http://localhost:${gateway.port}`;
  return `podlink demo: one gateway and ${rooms.length} pods of the service "room", in this process, on the embedded store.

  gateway  ${at}
${rooms.map((room) => `  room-${room.pod.podIndex}   ${room.url}`).join("\n")}

${tryOut(at)}`;
}

/** What the demo in several processes says once it runs. */
export function describeProcesses({ gateway, rooms, notRouting }: ProcessDemo, redisUrl: string, own: boolean): string {
  const at = `http://localhost:${new URL(gateway.url).port}`;
  const running = [{ ...gateway, url: at }, ...rooms];
  const [first] = rooms;
  const backAfterS = (2 * DEFAULTS.leaseMs) / 1000;
  return `podlink demo: one gateway and ${rooms.length} pods of the service "room", each a process, on ${own ? "a Redis of its own" : "the Redis"} at ${withoutLogin(redisUrl)}.

${running.map(({ name, url, pid }) => `  ${name.padEnd(7)}  ${url.padEnd(22)}  pid ${pid}`).join("\n")}
${notRouting === undefined ? "" : `\nThe gateway routes nobody yet: ${notRouting}.\n`}
${tryOut(at)}
\`kill -9 ${first?.pid}\` takes ${first?.name} away: the others go on, its users are back after about ${backAfterS} s.`;
}

function tryOut(at: string): string {
  return `Try, in another terminal:

  curl -X POST ${at}/s/room/u/alice/incr
  curl -X POST ${at}/s/room/u/alice/say -H 'content-type: application/json' -d '{"text":"hello"}'
  curl ${at}/s/room/u/alice/state
  curl ${at}/s/room/pods
  curl ${at}/health

A WebSocket on ${at.replace("http", "ws")}/s/room/u/alice/live sees every change. Ctrl-C drains and ends.`;
}

/** A URL as it may be shown. */
function withoutLogin(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
