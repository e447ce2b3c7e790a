/** Codes that blame the client, or the certificate: the same would happen again (RFC 6455 section 7.4.1). */
const FOR_GOOD: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 1010, 1015]);

/** The service asks for patience (IANA: 1013 Try Again Later). */
export const TRY_LATER = 1013;

/** Whether a client comes back after a close code: 1001, 1006, 1011, 1012, 1013 and all others that do not blame it. */
export function comesBack(code: number): boolean {
  return !FOR_GOOD.has(code);
}
