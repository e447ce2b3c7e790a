/** The longest that Node's timers take. */
const FOREVER_MS = 2_147_483_647;

/**
 * Keeps the process alive until `work` has settled. podlink's own timers don't: a process whose last listener is closed
 * would otherwise end in the middle of its drain.
 */
export function keepAliveUntil<T>(work: Promise<T>): Promise<T> {
  const handle = setInterval(() => undefined, FOREVER_MS);
  const release = (): void => clearInterval(handle);
  work.then(release, release);
  return work;
}
