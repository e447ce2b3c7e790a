import type { Link } from "@podlink/types";
import { checkToken, holderText } from "@podlink/types";

/**
 * What a fenced storage compares: every write of a period carries both. The storage takes a write only while it has
 * this token and this holder; loading raises them, see the README.
 */
export interface Fence {
  /** The link's token, decimal text: compare as numbers. */
  readonly token: string;
  /** "podIndex.incarnation" of the pod whose period it is. */
  readonly holder: string;
}

/** The fence of the period that a link stands for. */
export function fenceOf(link: Link): Fence {
  return Object.freeze({ token: link.token, holder: holderText(link.podIndex, link.incarnation) });
}

// A registered symbol, not instanceof: two installed copies of this package recognise each other's errors.
const BRAND = Symbol.for("podlink.FenceRefused");

/**
 * Thrown by `load`, `save` or a use when the storage refused the fence: it has seen a higher token, or this one from
 * another holder. The session is dropped without saving; if this pod still holds the uid it claims it again above that
 * token and loads again.
 */
export class FenceRefused extends Error {
  override readonly name = "FenceRefused";
  /** The token that the storage has. */
  readonly token: string;

  /** @throws RouteError INVALID_ARGUMENT when `token` is none. */
  constructor(token: string) {
    super(`the storage has token ${checkToken(token)} and refused this one`);
    this.token = token;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether a caught value is a FenceRefused, of this or another installed copy of the package. */
  static is(value: unknown): value is FenceRefused {
    return typeof value === "object" && value !== null && BRAND in value;
  }
}
