import type { Subscription } from "./subscription.ts";

export interface StoreHealth {
  readonly healthy: boolean;
  /** Why it is not. Absent while healthy. */
  readonly reason?: string;
}

export type StoreEvent =
  | { readonly kind: "health"; readonly health: StoreHealth }
  /** Another life of the store answers: links and pods may be gone. */
  | { readonly kind: "epoch"; readonly epoch: number };

/** How the store itself is. */
export interface StoreStatus {
  /** As last known; makes no call. */
  health(): StoreHealth;
  /** Which life of the store answers: grows when data may be gone. */
  epoch(): number;
  watchStore(listener: (event: StoreEvent) => void): Subscription;
  /** Ends subscriptions, timers and connections that the store made itself. Idempotent. Calls after it reject with CLOSED. */
  close(): Promise<void>;
}
