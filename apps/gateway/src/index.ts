/** Sample: HTTP and WebSocket in, linked pod out. */
export type { Gateway } from "./gateway.ts";
export { startGateway } from "./gateway.ts";
export type { Authorize, GatewayOptions, GatewaySource, LogLevel } from "./options.ts";
export { gatewayFromEnvironment } from "./environment.ts";
