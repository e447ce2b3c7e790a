// A process that starts servers, says which, and then ends in the way that its argument names.
import { startRedis } from "../../src/redis.ts";

const servers = await Promise.all([startRedis(), startRedis(), startRedis()]);
const pids = servers.map(({ pid }) => pid);
servers[1]?.stop();
await servers[2]?.kill9();
process.stdout.write(JSON.stringify({ pids, directories: servers.map(({ directory }) => directory) }));
const ending = process.argv[2];
if (ending === "wait") setInterval(() => undefined, 1000);
if (ending === "exit") process.exit(3);
if (ending === "throw") throw new Error("unexpected");
