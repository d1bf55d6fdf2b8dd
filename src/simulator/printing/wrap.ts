/** Breaking long lines at the width of the session, as `print detail` does. */

/**
 * The text in lines of at most `width` characters. It breaks at blanks, also those inside of a
 * value (`size=1 099 511`), and cuts a word that is longer than a line in its middle. Every line
 * but the first starts with `indent` blanks; the first has `prefix` before it.
 */
export function wrapped(prefix: string, text: string, indent: number, width: number): string[] {
  const room = Math.max(width - indent, 10);
  const pad = " ".repeat(indent);
  const lines: string[] = [];
  let line = prefix;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    const space = isEmpty ? 0 : 1;
    if (!isEmpty && line.length + space + word.length > width) {
      lines.push(line);
      line = pad;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
    while (line.length > Math.max(width, indent + room)) {
      lines.push(line.slice(0, Math.max(width, indent + room)));
      line = pad + line.slice(Math.max(width, indent + room));
    }
  }
  return [...lines, line];
}
