/**
 * Names of files on the box. `/file` shows them without a leading slash, `/disk` shows the same
 * file with one; both accept either. Stored here without.
 */

const MAXIMUM_COMPONENT_BYTES = 255;
const MAXIMUM_NAME_BYTES = 4000;

/**
 * The stored form of a path somebody typed: no leading or trailing slash. Undefined when it could
 * name something outside of the box (`..`), or nothing at all.
 */
export function storedName(typed: string): string | undefined {
  const name = typed.replace(/^\/+/, "").replace(/\/+$/, "");
  if (name === "" || byteLength(name) > MAXIMUM_NAME_BYTES) return undefined;
  for (const component of name.split("/")) {
    if (component === "" || component === "." || component === "..") return undefined;
    if (hasControlCharacter(component) || byteLength(component) > MAXIMUM_COMPONENT_BYTES) {
      return undefined;
    }
  }
  return name;
}

/** The directory a name is in, or undefined for one at the top. */
export function parentOf(name: string): string | undefined {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? undefined : name.slice(0, slash);
}

/** The last component of a name. */
export function lastComponentOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The first component of a name: the mount point it is on, or a directory of the flash. */
export function firstComponentOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name : name.slice(0, slash);
}

/** Whether `name` is `directory` or lies somewhere below it. */
export function isWithin(name: string, directory: string): boolean {
  return name === directory || name.startsWith(`${directory}/`);
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
