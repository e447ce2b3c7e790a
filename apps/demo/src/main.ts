import { RouteError } from "podlink";
import { readArguments } from "./arguments.ts";
import { startDemo } from "./demo.ts";
import { describeDemo, describeProcesses } from "./describe.ts";
import type { DemoOptions } from "./options.ts";
import { parseDemoOptions } from "./options.ts";
import type { OwnRedis } from "./own-redis.ts";
import { startProcesses } from "./process-demo.ts";

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function fail(error: unknown): void {
  const { message } = RouteError.from(error);
  process.stderr.write(`podlink demo: ${message}\n`);
  process.exitCode = 1;
}

/** What runs, in whichever way. */
interface Stoppable {
  stop(): Promise<void>;
}

/** Drains what runs; asked again, it hurries. */
function ending(running: Stoppable): () => void {
  let isEnding = false;
  return () => {
    const isFirst = !isEnding;
    isEnding = true;
    if (isFirst) print("\nDraining; Ctrl-C again hurries.");
    running.stop().then(() => isFirst && print("Ended."), fail);
  };
}

async function runEmbedded(options: DemoOptions): Promise<void> {
  const demo = await startDemo(options);
  const end = ending(demo);
  process.on("SIGINT", end).on("SIGTERM", end);
  print(describeDemo(demo));
}

async function runProcesses(options: DemoOptions, redisUrl: string, ownRedis?: OwnRedis): Promise<void> {
  const demo = await startProcesses(options, redisUrl);
  const end = ending({
    stop: async () => {
      await demo.stop();
      await ownRedis?.end();
    },
  });
  process.on("SIGINT", end).on("SIGTERM", end);
  print(describeProcesses(demo, redisUrl, ownRedis !== undefined));
  demo.watch({
    podDied: print,
    gatewayDied: (text) => {
      fail(new Error(`${text}; nothing can be reached any more`));
      end();
    },
  });
}

async function run(options: DemoOptions): Promise<void> {
  if (options.redisUrl !== undefined) return runProcesses(options, options.redisUrl);
  if (!options.ownRedis) return runEmbedded(options);
  // Only here: whoever starts none needs nothing of what starts one.
  const { startOwnRedis } = await import("./own-redis.ts");
  const redis = await startOwnRedis();
  try {
    await runProcesses(options, redis.url, redis);
  } catch (error) {
    await redis.end();
    throw error;
  }
}

try {
  await run(parseDemoOptions(readArguments(process.argv, process.env)));
} catch (error) {
  fail(error);
}
