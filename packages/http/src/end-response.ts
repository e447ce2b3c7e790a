import { ServerResponse } from "node:http";

/**
 * Ends a response with the last of its body, small enough to be copied. Absent: none. As text Node sends it in one piece with the
 * head, and a chunk in a piece of its own.
 */
export function endResponse(res: ServerResponse, last: Buffer | undefined): void {
  // Middleware that put something else in place of Node's methods may drop the encoding.
  const { prototype } = ServerResponse;
  const isText = last !== undefined && res.end === prototype.end && res.write === prototype.write;
  if (!isText) {
    res.end(last);
  } else if (res.chunkedEncoding) {
    res.end(last.toString("latin1"), "latin1");
  } else {
    // `end` would add an empty piece, and two pieces take a system call that costs a sixth more. So it comes when the text is out, which
    // a socket that nobody had corked would see to in a later tick.
    const { socket } = res;
    socket?.cork();
    res.write(last.toString("latin1"), "latin1");
    socket?.uncork();
    res.end();
  }
}
