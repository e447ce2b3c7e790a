/** Ends what it was returned by; ending it again does nothing. */
export interface Subscription {
  close(): void;
}
