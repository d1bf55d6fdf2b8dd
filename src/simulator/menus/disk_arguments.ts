/** Reading what `/disk/add` and `/disk/set` were given. */
import { DISK_TYPES, type DiskArgument } from "../box/disk_properties.ts";
import { storedName } from "../box/names.ts";
import type { Scalar } from "../box/records.ts";
import type { Value } from "../language/values.ts";
import { type MenuCall, RouterOsError } from "../menu.ts";
import { booleanArgument, numberArgument, sizeArgument, textArgument } from "./argument_values.ts";

const HIGHEST_PORT = 65535;
const HIGHEST_NUMBER = 4_294_967_295;

/**
 * The properties among a call's named arguments, each of its own kind.
 * @throws {RouterOsError} for a value that its property cannot have.
 */
export function diskProperties(
  call: MenuCall,
  known: ReadonlyMap<string, DiskArgument>,
): Map<string, Scalar> {
  const properties = new Map<string, Scalar>();
  for (const [name, value] of call.named) {
    const argument = known.get(name);
    if (argument !== undefined) properties.set(name, diskProperty(name, argument, value));
  }
  return properties;
}

function diskProperty(name: string, argument: DiskArgument, value: Value): Scalar {
  switch (argument.kind) {
    case "text":
      return textArgument(value);
    case "boolean":
      return booleanArgument(name, value);
    case "size":
      return sizeArgument(name, value);
    case "port":
      return numberArgument(name, value, 0, HIGHEST_PORT);
    case "number":
      return numberArgument(name, value, 0, HIGHEST_NUMBER);
    case "type":
      return diskType(textArgument(value));
    case "path": {
      const path = storedName(textArgument(value));
      if (path === undefined) throw new RouterOsError(`invalid value for argument ${name}`);
      return `/${path}`;
    }
  }
}

function diskType(text: string): string {
  if (DISK_TYPES.includes(text)) return text;
  throw new RouterOsError("input does not match any value of type");
}
