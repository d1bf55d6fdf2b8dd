/** What no file of the repository may hold. Pure. */

// A letter in brackets keeps a pattern from finding itself.
interface TextRule {
  readonly pattern: RegExp;
  readonly finding: string;
}

const RULES: readonly TextRule[] = [
  {
    pattern: /\b(TOD[O]|FIXM[E]|XX[X])\b(?!\(#\d+\))/,
    finding: "names work to do without its issue: write it as TODO(#7)",
  },
  {
    pattern: /(?<![\w.}])\/(home|Users|root|work)\/[\w.]/,
    finding: "holds a path of one machine",
  },
  {
    pattern: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/,
    finding: "holds a private key (pitfall C11)",
  },
  {
    pattern:
      /\b(registry\.npmjs\.org|registry\.yarnpkg\.com|proxy\.golang\.org|jsr\.io|artifactor[y]|verdacci[o])\b/i,
    finding: "names the host of a package registry",
  },
];

/** Everything in `text` that must not be there: the line's number and what is wrong. */
export function textFindings(text: string): string[] {
  return text.split("\n").flatMap((line, index) =>
    RULES.filter(({ pattern }) => pattern.test(line)).map(({ finding }) =>
      `line ${index + 1} ${finding}`
    )
  );
}
