import { rmSync } from "node:fs";
import type { Server } from "node:http";
import { createServer, get } from "node:http";
import { once } from "node:events";
import { HeapWatcher } from "@podlink/testkit";
import type { Figures } from "@podlink/types";

/** What a process of the run says of itself. */
export interface ProbeAnswer {
  /** In use after a collection of garbage. */
  readonly heapBytes: number;
  /** Its counters, by the part that counts. */
  readonly figures: Readonly<Record<string, Figures>>;
}

/** Answers at a unix socket what {@link askProbe} asks there. Doesn't keep the process alive. */
export async function serveProbe(path: string, read: () => ProbeAnswer["figures"]): Promise<Server> {
  const heap = new HeapWatcher({ onViolation: () => undefined }); // only reads
  const probe = createServer((_, res) => {
    res.setHeader("connection", "close");
    heap.sample().then(
      ({ usedBytes }) => res.end(JSON.stringify({ heapBytes: usedBytes, figures: read() } satisfies ProbeAnswer)),
      (error: unknown) => res.writeHead(500).end(String(error)),
    );
  });
  rmSync(path, { force: true }); // of an earlier life, which was killed
  probe.listen(path);
  await once(probe, "listening");
  probe.unref();
  return probe;
}

const ANSWER_WITHIN_MS = 10_000;

/** @throws Error when it doesn't answer */
export async function askProbe(path: string): Promise<ProbeAnswer> {
  const text = await new Promise<string>((resolve, reject) => {
    const request = get({ socketPath: path, path: "/", agent: false, timeout: ANSWER_WITHIN_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => (response.statusCode === 200 ? resolve(body) : reject(new Error(body))));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer at ${path}`)));
    request.on("error", reject);
  });
  return JSON.parse(text) as ProbeAnswer;
}
