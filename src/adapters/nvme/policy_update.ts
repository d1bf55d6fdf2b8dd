/** A reconnect policy for a connection that is there: what the kernel lets change without an end. */
import { StorageError } from "../../domain/errors.ts";
import type { ReconnectPolicy } from "../../domain/reconnect_policy.ts";
import type { Controller } from "./controllers.ts";
import type { NvmeContext } from "./context.ts";

/** One attribute, what is written to it and what the kernel shows then. */
export interface PolicyAttribute {
  readonly name: string;
  readonly write: string;
  readonly shown: string;
}

/**
 * The attributes in the order they have to be written: the kernel keeps the time after which it
 * gives up as a number of attempts, made with the delay at that moment.
 */
export function policyAttributes(policy: ReconnectPolicy): PolicyAttribute[] {
  const { reconnectDelay, ctrlLossTmo, fastIoFailTmo = -1 } = policy;
  const attempts = Math.ceil(ctrlLossTmo / reconnectDelay);
  const seconds = (value: number): string => value < 0 ? "off" : String(value);
  return [
    { name: "reconnect_delay", write: String(reconnectDelay), shown: String(reconnectDelay) },
    {
      name: "ctrl_loss_tmo",
      write: String(ctrlLossTmo),
      shown: seconds(ctrlLossTmo < 0 ? -1 : attempts * reconnectDelay),
    },
    { name: "fast_io_fail_tmo", write: String(fastIoFailTmo), shown: seconds(fastIoFailTmo) },
  ];
}

/**
 * Gives a controller the policy, live or lost. Writes only what differs.
 * @throws {StorageError} `unavailable` when the kernel refuses a value.
 */
export async function updatePolicy(
  context: NvmeContext,
  { name, nqn }: Controller,
  policy: ReconnectPolicy,
  signal: AbortSignal,
): Promise<void> {
  const { files, paths, timing } = context;
  let hasChanged = false;
  for (const attribute of policyAttributes(policy)) {
    const path = `${paths.sys}/class/nvme/${name}/${attribute.name}`;
    const shown = await files.read(path);
    // Older kernels lack some; a controller that is going lacks all.
    if (shown === undefined) continue;
    // After another delay the same number of seconds is another number of attempts.
    if (shown === attribute.shown && !(hasChanged && attribute.name === "ctrl_loss_tmo")) continue;
    const call = { kind: "write-file", path, text: attribute.write } as const;
    const options = { subject: name, deadlineMs: timing.attributeMs };
    const written = await context.calls.call(call, options, signal);
    hasChanged = true;
    if (written.isOk || written.errno === "ENOENT" || written.errno === "ENODEV") continue;
    throw new StorageError(
      "unavailable",
      `Cannot set ${attribute.name} of ${name} (${nqn}) to ${attribute.write}: ${written.errno}`,
    );
  }
}
