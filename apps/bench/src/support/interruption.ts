import type { Ends } from "../measure/ends.ts";

/** What is still running after so long is left behind: servers and processes end by themselves once this one is gone. */
const END_WITHIN_MS = 3000;

/**
 * Runs it with a signal that is aborted when somebody breaks the run off; then all that runs is ended, and this process
 * with it, whatever the work fails of meanwhile.
 */
export async function untilBrokenOff(
  { ends, say }: { readonly ends: Ends; readonly say: (text: string) => void },
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const broken = new AbortController();
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(signal, () => {
      say(`${signal}: ending what runs`);
      broken.abort(signal);
      const exit = (): void => process.exit(status);
      setTimeout(exit, END_WITHIN_MS);
      void ends.end().then(exit, exit);
    });
  }
  try {
    await work(broken.signal);
  } catch (error) {
    if (!broken.signal.aborted) throw error;
  }
}
