/** Which way bytes go. */
export type Direction = "toServer" | "toClient";

/** A connection through the proxy, as rules choose by it. */
export interface ProxiedConnection {
  /** 1 for the first that was accepted, 2 for the next... */
  readonly id: number;
  /** When it was accepted, in milliseconds since the proxy started. */
  readonly openedAtMs: number;
  /** The port that the client connects from. */
  readonly clientPort: number;
  /** The first chunk that the client sent. Absent: it has sent nothing yet. */
  readonly firstBytes?: Buffer;
}

/** Which connections a fault befalls. */
export interface ConnectionSelection {
  /** What the rule is called in the record. Default: its fault and its number, `delay-1`. */
  readonly name?: string;
  /** Asked again for each chunk. Default: all connections. */
  readonly connections?: (connection: ProxiedConnection) => boolean;
  /** The part of the connections, 0 to 1, drawn once for each. Default 1. */
  readonly shareOfConnections?: number;
}

/** Which chunks a fault befalls. A chunk is what one read of a socket gave: often one message, sometimes several, or a part. */
export interface ChunkSelection extends ConnectionSelection {
  /** Default: both. */
  readonly direction?: Direction;
  /** Default: all chunks. */
  readonly bytes?: (chunk: Buffer) => boolean;
  /** The part of the chunks, 0 to 1, drawn for each that everything else selects. Default 1. */
  readonly share?: number;
  /** Only the next so many, at least 1. Default: all, until the rule ends. */
  readonly times?: number;
}

type WithoutDirection = Omit<ChunkSelection, "direction">;

interface Loss extends WithoutDirection {
  /**
   * When the connection is reset, at both ends, in milliseconds after the loss. Default 0: at once. "never": it hangs, also
   * after the rule's end, for what was lost never comes.
   */
  readonly resetAfterMs?: number | "never";
}

/** What goes wrong, and for whom. */
export type Fault =
  /** Rules added after this one don't touch what it selects. */
  | ({ readonly fault: "pass" } & ChunkSelection)
  /** Arrives `ms` later, give or take `jitterMs` (default 0); never before what was sent before it. */
  | ({ readonly fault: "delay"; readonly ms: number; readonly jitterMs?: number } & ChunkSelection)
  /** So much each second, for each connection and direction. */
  | ({ readonly fault: "throttle"; readonly bytesPerSecond: number } & ChunkSelection)
  /** In pieces of so many bytes, each sent by itself. Default 1. */
  | ({ readonly fault: "fragment"; readonly pieceBytes?: number } & ChunkSelection)
  /** The server did it and answered; the answer and all that follows it never arrive. */
  | ({ readonly fault: "loseReply" } & Loss)
  /** The chunk and all that the client sends after it never arrive. */
  | ({ readonly fault: "loseRequest" } & Loss)
  /** In place of the chunk, both ends get a RST. */
  | ({ readonly fault: "reset" } & ChunkSelection)
  /** After the chunk a FIN; what follows in this direction is dropped, the other direction goes on. */
  | ({ readonly fault: "halfClose" } & ChunkSelection)
  /**
   * After so many bytes in one direction, counted from the rule's start, the connection ends at both ends: by a RST
   * (default; what the receiver has not read by then may go with it), or by a FIN, after exactly these bytes.
   */
  | ({
      readonly fault: "cut";
      readonly afterBytes: number;
      readonly by?: "rst" | "fin";
    } & Omit<ChunkSelection, "bytes" | "share">)
  /**
   * Nothing passes: no byte, no FIN, no RST; new connections are accepted, stay silent, and don't reach the server. Without
   * `bytes`, `share` and `times`: for all connections selected, at once. With one of them: for the connection of a chunk
   * selected, from that chunk on. At the rule's end what TCP held back arrives ("resume", the default), or the connections
   * stay dead ("dead").
   */
  | ({ readonly fault: "blackhole"; readonly afterEnd?: "resume" | "dead" } & ChunkSelection)
  /** New connections are reset as soon as they are accepted. */
  | ({ readonly fault: "refuse"; readonly times?: number } & ConnectionSelection);

export type FaultKind = Fault["fault"];
