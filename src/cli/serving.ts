/** What the flags of a process that serves CSI have in common, and how such a process lives. */
import { LOG_LEVELS } from "../adapters/logging/event_log.ts";
import { LOG_FORMATS, type LogOptions } from "../adapters/logging/log.ts";
import type { CsiServer } from "../adapters/csi-grpc/server.ts";
import { DEFAULT_DRIVER_NAME, DRIVER_NAME_WORDS, isDriverName } from "../config/config.ts";
import type { ConfigOverrides } from "../config/file.ts";
import type { Observe } from "../ports/events.ts";
import { choiceOf, FlagError, integerOf } from "./flag_values.ts";
import { listenForEnd } from "./shutdown.ts";

/** The flags of every process that serves CSI, as they were written. */
export interface ServingFlags {
  readonly endpoint: string;
  readonly socketGroup?: string;
  readonly driverName?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

const LARGEST_GROUP_ID = 2 ** 32 - 2;

/** Who may use the socket beside us. @throws {FlagError} when the flag is no group id. */
export function socketAccess(flags: ServingFlags): { readonly groupId?: number } {
  if (flags.socketGroup === undefined) return {};
  return { groupId: integerOf("--socket-group", flags.socketGroup, 0, LARGEST_GROUP_ID) };
}

/** What the flags replace in a configuration. @throws {FlagError} */
export function configOverrides(flags: ServingFlags): ConfigOverrides {
  const { driverName, logLevel, logFormat } = flags;
  return {
    ...(driverName === undefined ? {} : { driverName }),
    ...(logLevel === undefined ? {} : { logLevel: choiceOf("--log-level", logLevel, LOG_LEVELS) }),
    ...(logFormat === undefined
      ? {}
      : { logFormat: choiceOf("--log-format", logFormat, LOG_FORMATS) }),
  };
}

/** What a node, which has no configuration file, is told by its flags. @throws {FlagError} */
export function nodeSettings(
  flags: ServingFlags,
): { readonly driverName: string; readonly log: Pick<LogOptions, "level" | "format"> } {
  const { driverName = DEFAULT_DRIVER_NAME, logLevel = "info", logFormat = "json" } = flags;
  if (!isDriverName(driverName)) {
    throw new FlagError("--driver-name", driverName, DRIVER_NAME_WORDS);
  }
  const level = choiceOf("--log-level", logLevel, LOG_LEVELS);
  const format = choiceOf("--log-format", logFormat, LOG_FORMATS);
  return { driverName, log: { level, format } };
}

/** A process in its role: what it is called in events. */
export interface Role {
  readonly role: "controller" | "node";
  readonly version: string;
  readonly observe: Observe;
}

/** Serves until a signal asks for the end; then no new call is taken and running ones may finish. */
export async function serveUntilAsked(server: CsiServer, process: Role): Promise<void> {
  const { role, version, observe } = process;
  using shutdown = listenForEnd();
  observe({ kind: "role-started", role, endpoint: server.path, version });
  const reason = await shutdown.asked;
  await server.close();
  observe({ kind: "role-stopped", role, reason });
}
