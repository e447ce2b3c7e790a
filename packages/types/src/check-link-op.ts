import type { Lifetime, Owner } from "./link.ts";
import { checkToken } from "./link.ts";
import type { Expected, LinkOp } from "./link-op.ts";
import {
  checkDurationMs,
  checkIncarnation,
  checkNamespace,
  checkPodIndex,
  checkService,
  checkUid,
  refuse,
} from "./values.ts";

/** The longest id of an operation: what keeps a record within 64 bytes. */
const OP_ID = /^[a-z0-9]{1,10}$/;

/**
 * Returns the operation when every field of it keeps its rule: the one check at a store's public door.
 * @throws RouteError INVALID_ARGUMENT naming the field, the rule and the value.
 */
export function checkLinkOp<O extends LinkOp>(op: O): O {
  checkObject(op, "op");
  checkNamespace(op.namespace);
  checkService(op.service);
  checkUid(op.uid);
  if (op.kind === "get") return op;
  if (op.opId !== undefined && !OP_ID.test(op.opId)) refuse("opId", "1 to 10 characters of a-z and 0-9", op.opId);
  checkMutation(op);
  return op;
}

function checkMutation(op: Exclude<LinkOp, { kind: "get" }>): void {
  switch (op.kind) {
    case "set":
    case "trySet":
      return checkOwner(op.owner, op.lifetime);
    case "setIfAbsent":
      checkOwner(op.owner, op.lifetime);
      if (op.renew === true && op.lifetime === "persistent") refuse("renew", "used with a ttl only", op.renew);
      return undefined;
    case "replace":
      checkToken(op.expectedToken, "expectedToken");
      return checkOwner(op.owner, op.lifetime);
    case "renew":
      checkExpected(op.expected);
      return checkLifetime(op.lifetime);
    case "remove":
      checkDurationMs(op.graceMs, "graceMs");
      return op.expected === undefined ? undefined : checkExpected(op.expected);
    default:
      return refuse("kind", "a link operation", (op as { kind: unknown }).kind);
  }
}

function checkOwner(owner: Owner, lifetime: Lifetime): void {
  checkObject(owner, "owner");
  checkPodIndex(owner.podIndex);
  checkLifetime(lifetime);
  if (owner.tokenFloor !== undefined) checkToken(owner.tokenFloor, "tokenFloor");
  if (owner.incarnation === undefined) return;
  checkIncarnation(owner.incarnation);
  if (lifetime !== "persistent") refuse("lifetime", "persistent where an incarnation owns the link", lifetime);
}

function checkLifetime(lifetime: Lifetime): void {
  if (lifetime !== "persistent") checkDurationMs(lifetime?.ttlMs, "ttlMs", 1);
}

function checkExpected(expected: Expected): void {
  checkObject(expected, "expected");
  if (expected.podIndex !== undefined) checkPodIndex(expected.podIndex, "expected.podIndex");
  if (expected.incarnation !== undefined) checkIncarnation(expected.incarnation, "expected.incarnation");
  if (expected.token !== undefined) checkToken(expected.token, "expected.token");
}

function checkObject(value: unknown, field: string): void {
  if (typeof value !== "object" || value === null) refuse(field, "an object", value);
}
