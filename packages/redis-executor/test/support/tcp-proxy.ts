import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A line between a client and a server that can fail without a word, as networks do. */
export interface TcpProxy {
  readonly port: number;
  /** How many packets went to the server. */
  readonly packets: number;
  /** Nothing passes any more, in neither direction; no FIN, no RST: neither side learns of it. New connections hang too. */
  blackhole(): void;
  /** The next answer is lost, and its connection breaks: the command was executed. */
  dropNextReply(): void;
  /** All passes again; what was lost stays lost. */
  heal(): void;
  end(): Promise<void>;
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const state = { isDark: false, drops: 0, packets: 0 };
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    const both = [client, upstream];
    for (const socket of both) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        if (!state.isDark) for (const one of both) one.destroy();
      });
    }
    client.on("data", (data) => {
      state.packets += 1;
      if (!state.isDark) upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (state.isDark) return;
      if (state.drops > 0) {
        state.drops -= 1;
        client.resetAndDestroy();
      } else client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get packets() {
      return state.packets;
    },
    blackhole: () => void (state.isDark = true),
    dropNextReply: () => void (state.drops = 1),
    heal: () => void (state.isDark = false),
    async end() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
