import { Command, Option } from "commander";
import type { DemoInput } from "./options.ts";

/** What `npm start -- ...` was given, and what the environment says instead. Prints the help, or what is wrong, and exits. */
export function readArguments(argv: readonly string[], env: NodeJS.ProcessEnv): DemoInput {
  const command = new Command("npm start --")
    .description("Starts a gateway and pods of the sample service: in one process, or on a Redis each in its own.")
    .addOption(new Option("--port <number>", "the gateway's port; 0: any free one (default: 8080, environment: PORT)"))
    .addOption(new Option("--pods <number>", "how many pods, 1 to 20 (default: 3, environment: PODS)"))
    .addOption(new Option("--redis", "starts a Redis for the demo; REDIS_URL in the environment names one that runs"))
    .parse(argv);
  const { port, pods, redis } = command.opts<{ port?: string; pods?: string; redis?: true }>();
  return {
    port: port ?? env["PORT"],
    pods: pods ?? env["PODS"],
    redisUrl: env["REDIS_URL"] || undefined,
    ownRedis: redis ?? false,
  };
}
