/** Titles and links of Markdown files. Pure. */

/** The text without its code, line for line. */
function withoutCode(text: string): string[] {
  let isCode = false;
  return text.split("\n").map((line) => {
    const isFence = /^\s*(```|~~~)/.test(line);
    if (isFence) isCode = !isCode;
    return isFence || isCode ? "" : line.replaceAll(/`[^`]*`/g, "");
  });
}

/** The titles (headings of the first level) of a Markdown text. */
export function titlesOf(text: string): string[] {
  return withoutCode(text).filter((line) => /^# \S/.test(line)).map((line) => line.slice(2).trim());
}

/** The targets of links to other files of the repository, without what follows a `#`. */
export function relativeLinksOf(text: string): string[] {
  const targets = withoutCode(text).flatMap((line) =>
    Array.from(line.matchAll(/\]\(([^()\s]+)(?:\s+"[^"]*")?\)/g), ([, target = ""]) => target)
  );
  return targets
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target) && !target.startsWith("#"))
    .map((target) => target.replace(/#.*$/, ""));
}
