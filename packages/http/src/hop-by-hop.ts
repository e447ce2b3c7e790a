import { WIRE_PREFIX } from "./headers.ts";

/**
 * Headers that end at the next hop (RFC 9110 section 7.6.1; the Proxy- ones by section 11.7, HTTP2-Settings by RFC 7540
 * section 3.2.1). Framing is each side's own business, so nobody's Transfer-Encoding is passed on.
 */
function isHopByHop(name: string): boolean {
  // No Set: each of them would first have to hash a name that just came from a socket.
  switch (name) {
    case "connection":
    case "proxy-connection":
    case "keep-alive":
    case "te":
    case "trailer":
    case "transfer-encoding":
    case "upgrade":
    case "proxy-authenticate":
    case "proxy-authorization":
    case "http2-settings":
      return true;
    default:
      return false;
  }
}

/** Never dropped because a Connection header names them: the message would lose its length or its meaning. */
const NEVER_NAMED: ReadonlySet<string> = new Set(["content-length", "content-type", "set-cookie"]);

/** Whether a header ends here, whatever the message. @param name in lower case. */
export function endsHere(name: string): boolean {
  return isHopByHop(name) || name.startsWith(WIRE_PREFIX);
}

/** The headers that a Connection header names, in lower case, added to those named before. Absent: none. */
export function namedBy(value: string, before?: ReadonlySet<string>): ReadonlySet<string> | undefined {
  if (value === "keep-alive" || value === "close") return before; // nearly all of them
  const named = new Set(before);
  for (const token of value.toLowerCase().split(",")) if (!NEVER_NAMED.has(token.trim())) named.add(token.trim());
  return named;
}
