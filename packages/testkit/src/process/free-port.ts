import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below what systems give to outgoing connections, also with the 10,000 more that the bus of a Cluster node takes. */
const FIRST = 11_000;
const LAST = 20_999;
const TRIES = 20;

/** The program could not have that port. */
export class PortTaken extends Error {
  override readonly name = "PortTaken";
}

/**
 * Runs it with random ports until one is free. Only who listens knows that a port is: looking first and listening then
 * is a race with every other process, so `listen` just tries, and throws PortTaken.
 */
export async function onFreePort<T>(listen: (port: number) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listen(randomInt(FIRST, LAST + 1));
    } catch (error) {
      if (!(error instanceof PortTaken) || tries === TRIES) throw error;
    }
  }
}

/**
 * A port that is free now, for a program that is told its port. Nobody else is kept from it; it is below those that systems
 * give to outgoing connections and picked at random, so it stays free in all likelihood, also while the program restarts.
 */
export const freePort = (): Promise<number> =>
  onFreePort(
    (port) =>
      new Promise((resolve, reject) => {
        const server = createServer();
        server.on("error", () => reject(new PortTaken()));
        server.listen(port, () => server.close(() => resolve(port)));
      }),
  );
