import type { Connection } from "../../src/connection/ports.ts";

/** The same connection, with every script call seen: `around` makes the call itself. */
export function withRun(
  connection: Connection,
  around: (call: () => Promise<unknown>, script: Parameters<Connection["run"]>[0]) => Promise<unknown>,
): Connection {
  return new Proxy(connection, {
    get(target, name) {
      if (name === "run") {
        return (...call: Parameters<Connection["run"]>) => around(() => target.run(...call), call[0]);
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
