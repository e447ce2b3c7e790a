import type { Link } from "@podlink/types";
import { compareTokens, RouteError } from "@podlink/types";
import { expect } from "vitest";

/** What of a link does not depend on when it is looked at. */
export function lasting({ expiresInMs, ...rest }: Link): Omit<Link, "expiresInMs"> & { readonly persistent: boolean } {
  return { ...rest, persistent: expiresInMs === undefined };
}

/** The link has a token above that of another. */
export function expectNewer(link: Link | undefined, than: Link): void {
  expect(link, "a link").toBeDefined();
  expect(compareTokens((link as Link).token, than.token), "its token, compared to the earlier one").toBeGreaterThan(0);
}

/** Both are the same link: nothing changed, but for time that passed. */
export function expectSame(link: Link | undefined, other: Link): void {
  expect(link, "a link").toBeDefined();
  expect(lasting(link as Link)).toEqual(lasting(other));
}

/** The error that a call rejects with, as a RouteError. */
export async function errorOf(work: Promise<unknown>): Promise<RouteError> {
  const outcome = await work.then(
    (value: unknown) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error(`expected an error; got ${JSON.stringify(outcome.value)}`);
  if (!RouteError.is(outcome.error)) throw outcome.error;
  return outcome.error;
}

/** The call is refused as a bad argument, and the message names the field. */
export async function expectRefused(work: Promise<unknown>, field: string): Promise<void> {
  const error = await errorOf(work);
  expect({ code: error.code, message: error.message }).toEqual({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(field) as string,
  });
}
