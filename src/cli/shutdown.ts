/** How a server process ends: the first signal asks it to, the second ends it at once. */

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;
type EndSignal = keyof typeof SIGNALS;

/** Waiting for the end of a process. */
export interface Shutdown extends Disposable {
  /** Resolves with the name of the first signal. */
  readonly asked: Promise<string>;
}

/**
 * Listens for SIGTERM and SIGINT until disposed of. After the first, the caller winds up; a second
 * one ends the process with the code a shell expects of a killed program.
 */
export function listenForEnd(): Shutdown {
  const { promise: asked, resolve } = Promise.withResolvers<string>();
  let isAsked = false;
  const onSignal = (name: EndSignal): void => {
    if (isAsked) Deno.exit(128 + SIGNALS[name]);
    isAsked = true;
    resolve(name);
  };
  const listeners: Record<EndSignal, () => void> = {
    SIGINT: () => onSignal("SIGINT"),
    SIGTERM: () => onSignal("SIGTERM"),
  };
  Deno.addSignalListener("SIGINT", listeners.SIGINT);
  Deno.addSignalListener("SIGTERM", listeners.SIGTERM);
  return {
    asked,
    [Symbol.dispose]: () => {
      Deno.removeSignalListener("SIGINT", listeners.SIGINT);
      Deno.removeSignalListener("SIGTERM", listeners.SIGTERM);
    },
  };
}
