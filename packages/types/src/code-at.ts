const charCodeAt = Reflect.get(String.prototype, "charCodeAt");

/**
 * `text.charCodeAt(index)`, for loops over what others made. A text is one of several kinds to V8: flat, joined of two, cut out
 * of another, a name. Once more than four have come along where that method is asked for, it is looked up for each character,
 * which costs four times the rest of such a loop. Here nothing is looked up on the text.
 */
export function codeAt(text: string, index: number): number {
  return charCodeAt.call(text, index);
}
