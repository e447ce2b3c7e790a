// Taken once: a test that replaces the globals doesn't stop the fake clock.
const nextTurn = globalThis.setImmediate;

/** Resolves when every promise chain that can go on without time or I/O has done so. */
export function drainPromises(): Promise<void> {
  return new Promise((resolve) => {
    nextTurn(resolve);
  });
}
