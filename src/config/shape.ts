/** What a configuration is, once it is read; the types alone. */
import type { PortRange } from "../domain/nvme.ts";

/** The levels of the log, least urgent first. */
export type ConfiguredLogLevel = "debug" | "info" | "warning" | "error";

/** How the log is written. */
export interface LogConfig {
  readonly level: ConfiguredLogLevel;
  readonly format: "json" | "text";
}

/** How long the parts of talking to an array may take. */
export interface TimeoutsConfig {
  readonly dialSeconds: number;
  readonly commandSeconds: number;
  readonly changeSeconds: number;
  readonly copySeconds: number;
  readonly shutdownSeconds: number;
}

/** How snapshots are taken. */
export interface SnapshotsConfig {
  readonly strategy: "auto" | "copy-from" | "file-copy";
  readonly whileAttached: "refuse" | "allow-fuzzy";
}

/** SSH sessions to an array, beside the one that makes changes. */
export interface ConnectionsConfig {
  readonly reads: number;
}

/** One array, as it is written. */
export interface WrittenBackend {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly privateKeyFile: string;
  readonly hostKeys: readonly string[];
  readonly storageAddress: string | undefined;
  readonly basePath: string;
  readonly allowedBasePaths: readonly string[];
  readonly nvmePorts: PortRange;
  readonly minFreePercent: number;
  readonly volumesMax: number;
  readonly connections: ConnectionsConfig;
  readonly timeouts: TimeoutsConfig;
  readonly snapshots: SnapshotsConfig;
}

/** One array, complete. Addresses carry no brackets; paths no trailing slash. */
export interface BackendConfig extends WrittenBackend {
  readonly storageAddress: string;
}

/** A whole configuration file, as it is written. */
export interface WrittenConfig {
  readonly clusterId: string;
  readonly driverName: string;
  readonly defaultBackend: string | undefined;
  readonly backends: readonly WrittenBackend[];
  readonly log: LogConfig;
}

/** A whole configuration, checked. */
export interface Config {
  readonly clusterId: string;
  readonly driverName: string;
  /** The name of one of `backends`. */
  readonly defaultBackend: string;
  readonly backends: readonly BackendConfig[];
  readonly log: LogConfig;
}
