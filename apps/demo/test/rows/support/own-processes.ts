import type { AppOptions } from "@podlink/testkit";
import { freePort } from "@podlink/testkit";

const VARIABLES = {
  gateway: { PODLINK_NAMESPACE: "test", SERVICES: "room" },
  "stateful-server": { NAMESPACE: "test", SERVICE: "room", POD_INDEX: "0", HOST: "127.0.0.1", PROPAGATION_MS: "100" },
};

/** A sample app as it is deployed, whose standard output is the pipe at that path. Ready when it listens. */
export async function pipedProgram(
  program: keyof typeof VARIABLES,
  { redis, pipe }: { readonly redis: string; readonly pipe: string },
): Promise<{ readonly url: string; readonly options: AppOptions }> {
  const { pathname } = new URL(`../../../../${program}/src/main.ts`, import.meta.url);
  const port = await freePort();
  const options: AppOptions = {
    name: program,
    command: ["/bin/sh", "-c", `exec "${process.execPath}" --import tsx -C @podlink/source "${pathname}" > "${pipe}"`],
    env: { ...VARIABLES[program], REDIS_URL: redis, PORT: `${port}`, LOG_LEVEL: "debug" },
    ready: { port },
    readyWithinMs: 60_000,
  };
  return { url: `http://127.0.0.1:${port}`, options };
}
