import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorAnswerOptions } from "./send-error.ts";
import { errorAnswer } from "./send-error.ts";

/** The head of a response as text. @param headers names and values in turn, from a parser or from this package. */
export function headText(status: number, headers: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    text += `${oneLine(headers[index])}: ${oneLine(headers[index + 1])}\r\n`;
  }
  return `${text}\r\n`;
}

/** Answers an upgrade with an error, over the bare socket that Node hands out, and closes it. */
export function answerSocket(socket: Duplex, error: unknown, options?: ErrorAnswerOptions): void {
  const answer = errorAnswer(error, options);
  socket.on("error", () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const headers = Object.entries({ ...answer.headers, connection: "close" }).flat();
  socket.end(headText(answer.status, headers) + answer.body, "latin1", () => socket.destroy());
}

/** A line break in a header would begin another one: everything after it is cut off. */
function oneLine(text = ""): string {
  const end = text.search(/[\r\n\0]/);
  return end < 0 ? text : text.slice(0, end);
}
