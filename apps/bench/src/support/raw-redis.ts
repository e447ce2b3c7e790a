import { once } from "node:events";
import { createConnection } from "node:net";

/** A bare socket to Redis: what no client can be faster than. */
export interface RawRedis {
  /** `SET NX GET PX` of new keys by so many callers, each one sending when its last was answered; nanoseconds for each. */
  nsEachSet(callers: number, total: number, prefix: string): Promise<number>;
  end(): void;
}

const NIL = "$-1\r\n";

export async function connectRaw({ host, port }: { host: string; port: number }): Promise<RawRedis> {
  const socket = createConnection({ host, port, noDelay: true });
  await once(socket, "connect");
  let receive = (_chunk: Buffer): void => undefined;
  let fail = (_error: Error): void => undefined;
  socket.on("data", (chunk: Buffer) => receive(chunk));
  socket.on("error", (error) => fail(error));
  socket.on("close", () => fail(new Error("Redis closed the connection")));
  return {
    nsEachSet: (callers, total, prefix) =>
      new Promise((resolve, reject) => {
        let sent = 0;
        let bytes = 0;
        let answered = 0;
        const start = performance.now();
        /** What the callers of this turn send, in one packet: by hand one would do no less. */
        const send = (count: number): void => {
          let packet = "";
          for (let turn = 0; turn < count && sent < total; turn += 1) packet += setCommand(prefix + sent++);
          if (packet !== "") socket.write(packet, "latin1");
        };
        fail = reject;
        receive = (chunk) => {
          if (chunk[0] === 45 /* - */) reject(new Error(chunk.toString("latin1")));
          bytes += chunk.length;
          const now = Math.floor(bytes / NIL.length); // each key is new, so each answer is nil
          const arrived = now - answered;
          answered = now;
          if (answered >= total) resolve(((performance.now() - start) * 1e6) / total);
          else send(arrived);
        };
        send(callers);
      }),
    end: () => {
      fail = () => undefined;
      socket.destroy();
    },
  };
}

function setCommand(key: string): string {
  return `*7\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$2\r\n42\r\n$2\r\nNX\r\n$3\r\nGET\r\n$2\r\nPX\r\n$6\r\n300000\r\n`;
}
