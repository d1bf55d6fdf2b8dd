/** One method of a port done otherwise, the rest as it is. */

/** `port` with `method` in place of its own of that name. */
export function overriding<Port extends object, Key extends keyof Port>(
  port: Port,
  key: Key,
  method: Port[Key],
): Port {
  return new Proxy(port, {
    get: (target, name): unknown => {
      if (name === key) return method;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
