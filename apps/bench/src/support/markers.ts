/** What a document has a place for. */
export type Place = "figures" | "soak";

const beginOf = (place: Place): string => `<!-- the ${place}: begin -->`;
const endOf = (place: Place): string => `<!-- the ${place}: end -->`;

/** The document with another text between the markers of a place. @throws Error naming the file when it doesn't have them */
export function replaceBetween(document: string, place: Place, text: string, file: string): string {
  const [begin, end] = [beginOf(place), endOf(place)];
  const [before, rest, ...tooMany] = document.split(begin);
  const [old, after, ...more] = (rest ?? "").split(end);
  if (before === undefined || old === undefined || after === undefined || tooMany.length + more.length > 0) {
    throw new Error(`${file} needs the lines ${begin} and ${end}, once each`);
  }
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}
