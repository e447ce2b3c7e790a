import type { Link } from "@podlink/types";
import {
  checkDurationMs,
  checkIncarnation,
  checkNamespace,
  checkPodIndex,
  checkService,
  checkToken,
  checkUid,
  makeLink,
  refuse,
} from "@podlink/types";

const KINDS: readonly unknown[] = ["reservation", "owned", "goodbye"] satisfies readonly Link["kind"][];

/** A frozen copy of a link that came from outside. @throws RouteError INVALID_ARGUMENT */
export function checkLink(link: Link): Link {
  if (typeof link !== "object" || link === null) refuse("link", "a link", link);
  if (!KINDS.includes(link.kind)) refuse("link.kind", KINDS.join(", "), link.kind);
  return makeLink({
    namespace: checkNamespace(link.namespace, "link.namespace"),
    service: checkService(link.service, "link.service"),
    uid: checkUid(link.uid, "link.uid"),
    podIndex: checkPodIndex(link.podIndex, "link.podIndex"),
    incarnation: link.incarnation === undefined ? undefined : checkIncarnation(link.incarnation, "link.incarnation"),
    token: checkToken(link.token, "link.token"),
    kind: link.kind,
    expiresInMs:
      link.expiresInMs === undefined ? undefined : checkDurationMs(Math.floor(link.expiresInMs), "link.expiresInMs"),
  });
}
