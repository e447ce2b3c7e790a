/** Sample: a service with real in-memory sessions. */
export { MemorySessionStore, sharedMemorySessionStore } from "./memory-session-store.ts";
export type { RedisSessionOptions } from "./redis-session/options.ts";
export { RedisSessionStore } from "./redis-session-store.ts";
export type { RoomLimits, RoomOptions } from "./options.ts";
export type { RoomServer } from "./room-server.ts";
export { startRoom } from "./room-server.ts";
export type { Change, Message, Refused, SessionStore, SessionWrite, StoredSession, UsedKey } from "./session-store.ts";
export { applyWrite, FRESH, KEPT } from "./session-store.ts";
