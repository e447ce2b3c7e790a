type Hook = (name: string, context: object) => Promise<void> | undefined;

/**
 * A named point where tests make a fault happen. The program is deployed without podlink's testkit: nobody installs the hook
 * there, and a point is a look at one property.
 */
export const failpoint = (name: `counter:${string}`, context: object): Promise<void> | undefined =>
  (globalThis as { readonly [name: symbol]: Hook | undefined })[Symbol.for("podlink.failpoints/1")]?.(name, context);
