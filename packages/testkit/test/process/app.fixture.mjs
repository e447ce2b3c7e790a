// A small program that does as its environment says: listens on PORT, says so, and has its ways.
import { spawn } from "node:child_process";
import { createServer } from "node:http";

const { PORT = "0", READY_AFTER_MS = "0", CHILD, IGNORES_TERM, DIES_AFTER_MS, SILENT } = process.env;
const startedAt = performance.now();
if (IGNORES_TERM) process.on("SIGTERM", () => console.log("not yet"));
else process.on("SIGTERM", () => process.exit(7));
process.on("SIGUSR2", () => console.log("heard SIGUSR2"));
if (CHILD) {
  const child = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"]);
  console.log(`child ${child.pid}`);
}
const server = createServer((request, response) => {
  if (request.url === "/env") return response.end(JSON.stringify(process.env));
  response.statusCode = performance.now() - startedAt < Number(READY_AFTER_MS) ? 503 : 200;
  return response.end(String(process.pid));
});
server.on("error", (error) => {
  console.error(error.message);
  process.exit(3);
});
server.listen(Number(PORT), "127.0.0.1", () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  if (!SILENT) console.log(`listening at ${url}`);
  process.send?.({ url });
});
if (DIES_AFTER_MS) setTimeout(() => process.exit(9), Number(DIES_AFTER_MS));
