/** A gateway as a program: its options from the environment, drained by SIGTERM, its log level turned by SIGUSR2. */
import { programLog } from "@podlink/log";
import { connect } from "podlink";
import { gatewayFromEnvironment } from "./environment.ts";
import { startGateway } from "./gateway.ts";

const logger = programLog({ name: "gateway" });

async function main(): Promise<void> {
  const { connection, gateway: options } = gatewayFromEnvironment(process.env);
  const podlink = await connect({ ...connection, logger });
  const gateway = await startGateway({ podlink, logger, ...options }).catch(async (error: unknown) => {
    await podlink.close();
    throw error;
  });

  const stop = (): void => {
    gateway
      .close()
      .then(() => podlink.close())
      .catch(fail);
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  process.on("SIGUSR2", () => gateway.setLogLevel(gateway.logLevel === "debug" ? options.logLevel : "debug"));
  process.send?.({ url: gateway.url }); // to the process that started this one and asked for it, as the demo does
}

function fail(error: unknown): void {
  logger.fatal({ err: error }, "the gateway failed");
  process.exitCode = 1;
}

main().catch(fail);
