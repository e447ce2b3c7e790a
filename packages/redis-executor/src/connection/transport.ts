import type { Redis } from "ioredis";
import type { Connection } from "./ports.ts";
import type { Receiver, TrackedCommand } from "./tracked-command.ts";

/** INFO, field to value; empty when its user may not ask for it. */
export type ServerInfo = Readonly<Record<string, string>>;

/** What a transport tells while it lives. */
export interface TransportEvents {
  /** Commands can be sent, for the first time or again. */
  ready(): void;
  /** None can be sent any more. */
  lost(): void;
  /** Why the last try to connect, or a connection, failed. */
  failed(error: unknown): void;
  /** A server answers; nothing was sent to it yet. */
  server(info: ServerInfo, server: string): void;
  /** Which server answers for what may have changed. */
  topology(): void;
}

/** The way to one server, or to those of a Cluster. */
export interface Transport {
  readonly kind: Connection["kind"];
  isReady(): boolean;
  /** Hands a command over, at once. @throws what ioredis does */
  send(command: TrackedCommand, receiver: Receiver): void;
  /** Keys of the same group may travel together. */
  groupOf(key: string): number;
  /** The server that answers for a key. */
  serverOf(key: string): string;
  /** Who answers for each slot; a single server has one. */
  owners(): readonly string[];
  /** Servers that answer for something, and to which there is no connection now. */
  missing(): readonly string[];
  /** The primaries that there is a connection to. */
  primaries(): readonly Redis[];
  /** Asks the servers again who answers for what. */
  lookAgain(): void;
  close(): void;
}
