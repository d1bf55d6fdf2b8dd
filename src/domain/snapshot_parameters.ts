/** The parameters of a VolumeSnapshotClass: there are none but the sidecars' own. */
import { StorageError } from "./errors.ts";

const SIDECAR_PREFIX = "csi.storage.k8s.io/";

/** @throws {StorageError} `invalid` naming a parameter that is not a sidecar's. */
export function checkSnapshotParameters(given: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(given).find((key) => !key.startsWith(SIDECAR_PREFIX));
  if (unknown === undefined) return;
  throw new StorageError(
    "invalid",
    `Cannot use parameter ${unknown} "${given[unknown]}": a snapshot class takes none`,
  );
}
