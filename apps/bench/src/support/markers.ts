const BEGIN = "<!-- the figures: begin -->";
const END = "<!-- the figures: end -->";

/** What stands between the markers of a document. @throws Error naming the file when it doesn't have them */
export function between(document: string, file: string): { before: string; text: string; after: string } {
  const [before, rest, ...tooMany] = document.split(BEGIN);
  const [text, after, ...more] = (rest ?? "").split(END);
  if (before === undefined || text === undefined || after === undefined || tooMany.length + more.length > 0) {
    throw new Error(`${file} needs the lines ${BEGIN} and ${END}, once each`);
  }
  return { before, text, after };
}

/** The document with another text between its markers. */
export function replaceBetween(document: string, text: string, file: string): string {
  const { before, after } = between(document, file);
  return `${before}${BEGIN}\n\n${text}\n\n${END}${after}`;
}
