/** The name a client logs in with, taken apart. */
export interface LoginName {
  readonly user: string;
  /** The width from a `+…w` suffix, in columns. */
  readonly width: number | undefined;
}

/** The width of a session without a terminal, in columns. */
export const DEFAULT_WIDTH = 80;

/** The widths that are honoured; others are moved into the range. */
const MIN_WIDTH = 40;
const MAX_WIDTH = 65_535;

/** `c`, `t` and `e` switch terminal features, `<n>w` and `<n>h` set width and height. */
const SUFFIX = /^(?<user>.+?)\+(?<parameters>(?:[cte]|\d{1,6}[wh])*)$/;

/**
 * Takes `admin+ct200w` apart: the user `admin`, 200 columns wide. A suffix that is none of the
 * known parameters belongs to the name.
 */
export function parseLoginName(login: string): LoginName {
  const groups = SUFFIX.exec(login)?.groups;
  const user = groups?.["user"];
  if (user === undefined) return { user: login, width: undefined };
  const columns = /(\d+)w/.exec(groups?.["parameters"] ?? "")?.[1];
  if (columns === undefined) return { user, width: undefined };
  return { user, width: Math.min(Math.max(Number(columns), MIN_WIDTH), MAX_WIDTH) };
}
